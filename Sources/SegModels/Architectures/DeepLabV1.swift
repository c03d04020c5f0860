import SegEngine

/// DeepLab v1, the LargeFOV network (Chen et al. 2015): an atrous VGG-16 of stride 8 whose first linear layer is a 3×3
/// convolution with 1024 channels and dilation 12. Its output is refined by a dense conditional random field,
/// ``DenseCRF/deepLabV1``, which the registry's description includes (`seg segment --crf`).
///
/// Parameters are named as in the common PyTorch ports: `features.0.weight` as in torchvision's VGG-16,
/// `classifier.0.weight`, `classifier.3.weight`, `classifier.6.weight`. A 3×3 average pooling of stride 1 follows the
/// last max pooling, as in the authors' Caffe network. The logits are upsampled to the image bilinearly with aligned
/// corners; the authors' network downsamples the labels in training instead.
public struct DeepLabV1: SegmentationNetwork {
  public var inputChannels = 3
  public var classes: Int
  /// Channels of the two convolutions that replace linear layers.
  public var classifierWidth = 1024
  /// The dilation of the 3×3 convolution.
  public var rate = 12
  /// The upsampling of the logits to the image.
  public var upsampling = Upsampling.bilinear(aligningCorners: true)

  /// Creates a network for a number of classes.
  public init(classes: Int = 21) { self.classes = classes }

  public var title: String { "DeepLabV1 LargeFOV VGG-16" }

  private var backbone: VGG16 {
    var network = VGG16(form: .atrous)
    network.inputChannels = inputChannels
    return network
  }

  public var features: [Feature] { backbone.features }

  public var checkpoints: CheckpointMapping { CheckpointMapping(head: ["classifier.6."]) }

  public func encoder(_ image: Value) -> [Value] { backbone.features(of: image) }

  public func decoder(_ features: [Value]) -> [Value] {
    [
      features[4].averagePool(kernel: 3, stride: 1, padding: 1)
        .conv("classifier.0", classifierWidth, kernel: 3, dilation: Extent2D(rate)).relu()
        .dropout("classifier.2", rate: 0.5).conv("classifier.3", classifierWidth, kernel: 1).relu()
        .dropout("classifier.5", rate: 0.5)
    ]
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    maps[0].conv("classifier.6", classes, kernel: 1)
      .upsampled(upsampling, "upsample", channels: classes, by: 8, like: image)
  }
}
