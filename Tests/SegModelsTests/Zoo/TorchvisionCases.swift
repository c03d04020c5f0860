import SegEngine
import SegModels

extension ZooCase {
  /// The networks of torchvision, ResNets with a block a stage.
  static let torchvision: [ZooCase] = [
    ZooCase("fcn-resnet", FCN(shortBottleneck.dilated(outputStride: 8), classes: 3)),
    ZooCase("deeplabv3-resnet", DeepLabV3(shortBottleneck.dilated(outputStride: 8), classes: 3)),
    ZooCase("deeplabv3-resnet-multigrid", multiGrid),
    ZooCase(
      "deeplabv3-mobilenet-v3",
      DeepLabV3(MobileNetV3(isDilated: true, prefix: ""), classes: 3, auxiliaryFeature: "features.4")),
    ZooCase("lraspp-mobilenet-v3", LRASPP(classes: 3)),
  ]

  /// DeepLab v3 as the paper has it for an output stride of 16.
  private static var multiGrid: DeepLabV3 {
    let backbone = ResNet(.bottleneck, blocks: [1, 1, 1, 3])
    var network = DeepLabV3(
      backbone.dilated(outputStride: 16, .withFirstBlock, multiGrid: [1, 2, 4]), classes: 3, auxiliaryFeature: nil)
    network.rates = [6, 12, 18]
    return network
  }

  static var shortBottleneck: ResNet { ResNet(.bottleneck, blocks: [1, 2, 1, 2]) }
}
