extension ModelFamily {
  /// Fully convolutional networks.
  static let fcn = ModelFamily(
    "FCN",
    [
      ModelDescription("fcn32s-vgg16", "FCN-32s on VGG-16", size: 512, FCNVGG16(.s32), preprocessing: .caffe(512)),
      ModelDescription("fcn16s-vgg16", "FCN-16s on VGG-16", size: 512, FCNVGG16(.s16), preprocessing: .caffe(512)),
      ModelDescription("fcn8s-vgg16", "FCN-8s on VGG-16", size: 512, FCNVGG16(.s8), preprocessing: .caffe(512)),
      ModelDescription("fcn-resnet50", "FCN on ResNet-50 of stride 8 (torchvision)", size: 520, FCN()),
      ModelDescription(
        "fcn-resnet101", "FCN on ResNet-101 of stride 8 (torchvision)", size: 520,
        FCN(ResNet.resNet101.dilated(outputStride: 8))),
    ])
}
