import SegModels

extension ZooCase {
  static let nestedUNets: [ZooCase] = [
    ZooCase("unetpp", nested { _ in }),
    ZooCase("unetpp-deep", nested { $0.isDeeplySupervised = true }),
    ZooCase(
      "unetpp-pruned",
      nested {
        $0.isDeeplySupervised = true
        $0.prunedLevel = 2
      }),
    ZooCase("unetpp-transposed", nested { $0.upsampling = .transposedConvolution }),
    ZooCase("unet3plus", fullScale(isDeeplySupervised: false)),
    ZooCase("unet3plus-deep", fullScale(isDeeplySupervised: true)),
  ]

  private static func nested(_ configure: (inout NestedUNet) -> Void) -> NestedUNet {
    var network = NestedUNet()
    network.widths = [4, 5, 6, 7]
    network.classes = 3
    configure(&network)
    return network
  }

  private static func fullScale(isDeeplySupervised: Bool) -> UNet3Plus {
    var network = UNet3Plus()
    network.widths = [4, 5, 6, 7]
    network.classes = 3
    network.isDeeplySupervised = isDeeplySupervised
    return network
  }
}
