import SegEngine

extension ModelFamily {
  /// U-Net++ and U-Net 3+.
  static let nestedUNet = ModelFamily(
    "U-Net++ and U-Net 3+",
    [
      nested("unetpp", "U-Net++ 32–512, bilinear up-sampling, 3→21") { _ in },
      nested("unetpp-deep", "U-Net++ 32–512 with deep supervision, 3→21") { $0.isDeeplySupervised = true },
      nested("unetpp-deep-l2", "U-Net++ 32–512 with deep supervision, pruned to its second node, 3→21") {
        $0.isDeeplySupervised = true
        $0.prunedLevel = 2
      },
      fullScale("unet3plus", "U-Net 3+ 64–1024, 3→21", isDeeplySupervised: false),
      fullScale("unet3plus-deep", "U-Net 3+ 64–1024 with deep supervision, 3→21", isDeeplySupervised: true),
    ])

  private static func nested(
    _ name: String, _ summary: String, _ configure: (inout NestedUNet) -> Void
  ) -> ModelDescription {
    var network = NestedUNet()
    network.classes = 21
    configure(&network)
    return ModelDescription(name, summary, size: 256, network, preprocessing: Preprocessing(fit: .stretch(256)))
  }

  private static func fullScale(_ name: String, _ summary: String, isDeeplySupervised: Bool) -> ModelDescription {
    var network = UNet3Plus()
    network.classes = 21
    network.isDeeplySupervised = isDeeplySupervised
    return ModelDescription(name, summary, size: 256, network, preprocessing: Preprocessing(fit: .stretch(256)))
  }
}
