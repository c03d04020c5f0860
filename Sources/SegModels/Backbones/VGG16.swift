import SegEngine

/// VGG-16 (Simonyan and Zisserman 2015): thirteen 3×3 convolutions in five blocks, each followed by max pooling.
///
/// The features are the maps after each pooling.
public struct VGG16: Backbone, Hashable {
  /// The naming scheme of the parameters.
  public enum Keys: Hashable, Sendable {
    /// `features.0.weight`: torchvision.
    case torchvision
    /// `conv1_1.weight`: Caffe and the common PyTorch port of FCN.
    case caffe
  }

  /// The pooling of the blocks and the dilation of the last convolutions.
  public enum Form: Hashable, Sendable {
    /// 2×2 pooling of stride 2, and convolutions without dilation.
    case dense
    /// DeepLab v1's: 3×3 pooling, the last two of stride 1, and dilation 2 in the fifth block, for output stride 8.
    case atrous
  }

  /// Channels of the input image.
  public var inputChannels = 3
  /// Whether batch normalisation follows each convolution.
  public var hasBatchNorm = false
  /// Dense or atrous.
  public var form = Form.dense
  /// The zero padding of the first convolution: 1, or 100 in FCN.
  public var imagePadding = 1
  /// Whether pooling rounds sizes up, as in Caffe.
  public var roundsPoolingUp = false
  /// Channels of the two hidden layers of the classifier.
  public var classifierWidth = 4096
  /// The naming scheme of the parameters.
  public var keys = Keys.torchvision

  /// Creates VGG-16.
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
    // The layer index of torchvision's sequence, in which convolutions, normalisations, activations and poolings are
    // numbered.
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

  /// Three linear layers on a 7×7 grid of means, flattened channel by channel.
  public func classifier(_ features: [Value], classes: Int) -> Value {
    features[features.count - 1].adaptiveAveragePool(to: 7).transpose([0, 3, 1, 2]).reshape([0, 512 * 49])
      .linear("classifier.0", classifierWidth).relu().linear("classifier.3", classifierWidth).relu().linear(
        "classifier.6", classes)
  }
}
