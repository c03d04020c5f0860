import SegModels

extension ZooCase {
  /// U-Nets with each kind of skip.
  static let skips: [ZooCase] = [
    ZooCase("unet-add", small { $0.skip = .addition }),
    ZooCase("unet-learned-skip", small { $0.skip = .learnedSum }),
    ZooCase("attention-unet", small { $0.skip = .attentionGate }),
    ZooCase("unet-dense-skips", small { $0.skip = .dense(width: 3) }),
    ZooCase("unet-dense-skips-whole", small { $0.skip = .dense(width: nil) }),
    ZooCase("unet-level-attention", small { $0.skip = .levelAttention }),
    ZooCase("unet-half-pixel", small { $0.upsampling = .bilinear(aligningCorners: false) }),
  ]

  private static func small(_ configure: (inout UNet) -> Void) -> UNet {
    var network = UNet()
    network.widths = [4, 6, 8]
    network.classes = 3
    configure(&network)
    return network
  }
}
