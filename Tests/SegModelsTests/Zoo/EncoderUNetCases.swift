import SegModels

extension ZooCase {
  /// U-Nets of segmentation-models-pytorch.
  static let encoderUNets: [ZooCase] = [
    ZooCase("unet-resnet", unet { _ in }),
    ZooCase("unet-resnet-bilinear", unet { $0.upsampling = .bilinear(aligningCorners: false) }),
    ZooCase("unet-resnet-center", unet { $0.hasCenter = true }),
    ZooCase(
      "unet-resnet-scse",
      unet {
        $0.attendsBlocks = true
        $0.decoderWidths = [32, 16, 16, 16, 16]
      }),
    ZooCase("unetpp-resnet", nested),
  ]

  private static var backbone: ResNet {
    var backbone = ResNet(.basic, blocks: [1, 1, 1, 1])
    backbone.width = 8
    return backbone
  }

  private static func unet(_ configure: (inout EncoderUNet) -> Void) -> EncoderUNet {
    var network = EncoderUNet(backbone, classes: 3)
    network.decoderWidths = [16, 12, 8, 8, 4]
    configure(&network)
    return network
  }

  private static var nested: EncoderNestedUNet {
    var network = EncoderNestedUNet(backbone, classes: 3)
    network.decoderWidths = [16, 12, 8, 8, 4]
    return network
  }
}
