import SegModels

extension ZooCase {
  /// U-Nets with each kind of skip and each kind of up-sampling.
  static let skips: [ZooCase] = [
    ZooCase("unet-add", small { $0.skip = .addition }),
    ZooCase("unet-learned-skip", small { $0.skip = .learnedSum }),
    ZooCase("attention-unet", small { $0.skip = .attentionGate }),
    ZooCase("unet-dense-skips", small { $0.skip = .dense(width: 3) }),
    ZooCase("unet-dense-skips-whole", small { $0.skip = .dense(width: nil) }),
    ZooCase("unet-level-attention", small { $0.skip = .levelAttention }),
    ZooCase("unet-subpixel", small { $0.upsampling = .subpixel }),
    ZooCase("unet-unpooling", small { $0.upsampling = .maxUnpooling }),
    ZooCase("unet-nearest-decoder", small { $0.upsampling = .nearest }),
    ZooCase("unet-bilinear-decoder", small { $0.upsampling = .bilinear(aligningCorners: false) }),
    ZooCase("unet-aligned-decoder", small { $0.upsampling = .bilinear(aligningCorners: true) }),
  ]

  private static func small(_ configure: (inout UNet) -> Void) -> UNet {
    var network = UNet()
    network.widths = [4, 6, 8]
    network.classes = 3
    configure(&network)
    return network
  }
}
