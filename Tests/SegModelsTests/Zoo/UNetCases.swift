import SegModels

extension ZooCase {
  static let unets: [ZooCase] = [
    ZooCase("unet", small { _ in }),
    ZooCase("unet-bilinear", small { $0.upsampling = .bilinear(aligningCorners: true) }),
    ZooCase("unet-nearest", small { $0.upsampling = .nearest }),
    ZooCase("unet-subpixel", small { $0.upsampling = .subpixel }),
    ZooCase("unet-unpooling", small { $0.upsampling = .maxUnpooling }),
  ]

  private static func small(_ configure: (inout UNet) -> Void) -> UNet {
    var network = UNet()
    network.widths = [4, 6, 8]
    network.classes = 3
    configure(&network)
    return network
  }
}
