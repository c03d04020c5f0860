import SegEngine
import SegModels

extension ZooCase {
  /// Networks on VGG-16, and DeepLab v2, with narrow classifiers.
  static let caffe: [ZooCase] = [
    ZooCase("fcn32s-vgg16", fcn(.s32)),
    ZooCase("fcn16s-vgg16", fcn(.s16)),
    ZooCase("fcn8s-vgg16", fcn(.s8)),
    ZooCase("deeplabv1-vgg16", smallDeepLabV1),
    ZooCase("deeplabv2-resnet", DeepLabV2(shortBottleneck, classes: 3)),
    ZooCase("deeplabv2-resnet-single", smallDeepLabV2),
  ]

  private static func fcn(_ stride: FCNVGG16.Stride) -> FCNVGG16 {
    var network = FCNVGG16(stride, classes: 3)
    network.classifierWidth = 24
    return network
  }

  private static var smallDeepLabV1: DeepLabV1 {
    var network = DeepLabV1(classes: 3)
    network.classifierWidth = 24
    return network
  }

  private static var smallDeepLabV2: DeepLabV2 {
    var network = DeepLabV2(shortBottleneck, classes: 3)
    network.scales = []
    return network
  }
}
