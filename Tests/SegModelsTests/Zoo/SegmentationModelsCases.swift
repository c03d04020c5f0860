import SegEngine
import SegModels

extension ZooCase {
  /// The networks of segmentation-models-pytorch.
  static let segmentationModels: [ZooCase] = [
    ZooCase("fpn-resnet18", smallFPN { _ in }),
    ZooCase(
      "fpn-resnet18-concatenated",
      smallFPN {
        $0.merge = .concatenation
        $0.upsampling = .bilinear(aligningCorners: false)
      }),
    ZooCase("pspnet-resnet18", smallPSPNet),
    ZooCase("upernet-resnet18", smallUPerNet),
    ZooCase("deeplabv3plus-resnet18", plus(ResNet.resNet18.dilated(outputStride: 16, .withFirstBlock)) { _ in }),
    ZooCase(
      "deeplabv3plus-resnet18-ordinary",
      plus(ResNet.resNet18.dilated(outputStride: 8, .withFirstBlock)) { $0.isSeparable = false }),
    ZooCase("deeplabv3plus-mobilenet-v2", plus(MobileNetV2(outputStride: 16)) { _ in }),
    ZooCase("deeplabv3plus-mobilenet-v2-stride8", plus(MobileNetV2(outputStride: 8)) { _ in }),
    ZooCase(
      "deeplabv3plus-xception",
      plus(Xception65(outputStride: 16, middleBlocks: 2, listSeparator: "_")) { $0.backboneScope = "encoder.model" }),
  ]

  private static func smallFPN(_ configure: (inout FPN) -> Void) -> FPN {
    var network = FPN(ResNet.resNet18, classes: 3)
    network.pyramidWidth = 16
    network.width = 32
    configure(&network)
    return network
  }

  private static var smallPSPNet: PSPNet {
    var network = PSPNet(PSPNet.shallow(.resNet18), classes: 3)
    network.width = 24
    return network
  }

  private static var smallUPerNet: UPerNet {
    var network = UPerNet(ResNet.resNet18, classes: 3)
    network.width = 16
    return network
  }

  private static func plus(_ backbone: any Backbone, _ configure: (inout DeepLabV3Plus) -> Void) -> DeepLabV3Plus {
    var network = DeepLabV3Plus(backbone, classes: 3)
    network.width = 16
    configure(&network)
    return network
  }
}
