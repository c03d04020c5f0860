import SegEngine

/// VGG-16 (Simonyan and Zisserman 2015): thirteen 3×3 convolutions in five blocks, a pooling after each.
///
/// Features are the maps after each pooling.
public struct VGG16: Backbone, Hashable {
  /// Whose names the parameters have.
  public enum Keys: Hashable, Sendable {
    /// `features.0.weight`: torchvision.
    case torchvision
    /// `conv1_1.weight`: Caffe and the common PyTorch port of FCN.
    case caffe
  }

  /// How blocks end, and what the last convolutions are.
  public enum Form: Hashable, Sendable {
    /// 2×2 poolings of stride 2, 3×3 convolutions without gaps.
    case dense
    /// DeepLab v1's: 3×3 poolings, the last two of stride 1, and the fifth block's convolutions with a rate of 2, for an output stride
    /// of 8.
    case atrous
  }

  /// Channels of the input image.
  public var inputChannels = 3
  /// Whether batch normalisation follows each convolution.
  public var hasBatchNorm = false
  /// Dense or atrous.
  public var form = Form.dense
  /// Zeros around the image before the first convolution: 1, and 100 in FCN.
  public var imagePadding = 1
  /// Whether poolings round sizes up, as Caffe's.
  public var roundsPoolingUp = false
  /// Channels of the classifier's two hidden layers.
  public var classifierWidth = 4096
  /// Whose names the parameters have.
  public var keys = Keys.torchvision

  /// VGG-16.
  public init(hasBatchNorm: Bool = false, form: Form = .dense) {
    self.hasBatchNorm = hasBatchNorm
    self.form = form
  }

  private static let blocks = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]

  public var title: String { "VGG-16" + (hasBatchNorm ? " with batch norm" : "") + (form == .atrous ? ", atrous" : "") }

  public var features: [Feature] {
    Self.blocks.enumerated().map { level, block in
      Feature("pool\(level + 1)", channels: block.1, stride: form == .atrous ? min(2 << level, 8) : 2 << level)
    }
  }

  public func features(of image: Value) -> [Value] {
    precondition(keys == .torchvision || !hasBatchNorm, "Caffe's VGG-16 has no batch normalisation")
    var x = image
    var maps: [Value] = []
    // Numbers of torchvision's sequence: convolutions, normalisations, activations and poolings count.
    var index = 0
    for (level, (layers, width)) in Self.blocks.enumerated() {
      for layer in 0..<layers {
        let name = keys == .torchvision ? "features.\(index)" : "conv\(level + 1)_\(layer + 1)"
        let rate = form == .atrous && level == 4 ? 2 : 1
        let padding = level == 0 && layer == 0 ? imagePadding : rate
        x = x.convolved(
          name, "features.\(index + 1)", width, kernel: 3, padding: Padding2D(padding), dilation: Extent2D(rate),
          bias: true, hasBatchNorm ? .batch : .none)
        index += hasBatchNorm ? 3 : 2
      }
      index += 1
      switch form {
      case .dense: x = x.maxPool(kernel: 2, roundingUp: roundsPoolingUp)
      case .atrous: x = x.maxPool(kernel: 3, stride: level < 3 ? 2 : 1, padding: 1)
      }
      maps.append(x)
    }
    return maps
  }

  /// Three linear layers on a grid of 7×7 means, channel after channel.
  public func classifier(_ features: [Value], classes: Int) -> Value {
    features[features.count - 1].adaptiveAveragePool(to: 7).transpose([0, 3, 1, 2]).reshape([0, 512 * 49])
      .linear("classifier.0", classifierWidth).relu().linear("classifier.3", classifierWidth).relu().linear(
        "classifier.6", classes)
  }
}
