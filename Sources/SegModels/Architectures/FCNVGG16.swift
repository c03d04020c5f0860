import SegEngine

/// FCN-32s, FCN-16s and FCN-8s (Long, Shelhamer and Darrell 2015) on VGG-16: the classifier's linear layers as
/// convolutions, skip connections that add scores of earlier poolings, and transposed convolutions initialised to
/// bilinear interpolation.
///
/// Parameters are named as in the common PyTorch port: `conv1_1.weight`, `fc6.weight`, `score_fr.weight`,
/// `score_pool4.weight`, `upscore2.weight`, `upscore8.weight`. As in the authors' Caffe networks and the port, and
/// unlike a network with "same" padding: the image is padded by 100, so that the 7×7 kernel of `fc6` fits for small
/// images; pooling rounds sizes up; and scores are cropped at fixed offsets, 5 and 9 pixels for the skips and 19, 27 or
/// 31 at the end. Skips are not scaled (the port's `AtOnce` form scales them).
public struct FCNVGG16: SegmentationNetwork {
  /// The stride of the finest feature map that is used.
  public enum Stride: Int, Hashable, Sendable {
    case s32 = 32
    case s16 = 16
    case s8 = 8
  }

  /// The stride, which selects one of the three networks.
  public var stride: Stride
  public var inputChannels = 3
  public var classes: Int
  /// Channels of the two convolutions that replace linear layers.
  public var classifierWidth = 4096
  /// The upsampling of scores. Transposed convolutions have the published kernel, of twice the factor and without bias;
  /// max unpooling is not supported.
  public var upsampling = Upsampling.transposedConvolution

  /// Creates a network with a stride.
  public init(_ stride: Stride = .s8, classes: Int = 21) {
    self.stride = stride
    self.classes = classes
  }

  public var title: String { "FCN-\(stride.rawValue)s VGG-16" }

  private var backbone: VGG16 {
    var network = VGG16()
    network.inputChannels = inputChannels
    network.keys = .caffe
    network.imagePadding = 100
    network.roundsPoolingUp = true
    return network
  }

  public var features: [Feature] {
    Array(backbone.features[2...3]) + [Feature("fc7", channels: classifierWidth, stride: 32)]
  }

  public var checkpoints: CheckpointMapping { CheckpointMapping(head: ["score_", "upscore"]) }

  /// The maps `pool3`, `pool4` and `fc7`.
  public func encoder(_ image: Value) -> [Value] {
    let pools = backbone.features(of: image)
    let deepest = pools[4].conv("fc6", classifierWidth, kernel: 7, padding: 0).relu()
      .dropout("drop6", rate: 0.5, of: .channel)
      .conv("fc7", classifierWidth, kernel: 1).relu().dropout("drop7", rate: 0.5, of: .channel)
    return [pools[2], pools[3], deepest]
  }

  /// The scores at ``stride-swift.property``.
  public func decoder(_ features: [Value]) -> [Value] {
    var scores = features[2].conv("score_fr", classes, kernel: 1)
    guard stride != .s32 else { return [scores] }
    scores = enlarged(scores, "upscore2", by: 2)
    scores = scores + cropped(features[1].conv("score_pool4", classes, kernel: 1), from: 5, like: scores)
    guard stride == .s8 else { return [scores] }
    scores = enlarged(scores, "upscore_pool4", by: 2)
    return [scores + cropped(features[0].conv("score_pool3", classes, kernel: 1), from: 9, like: scores)]
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    let (name, offset) =
      switch stride {
      case .s32: ("upscore", 19)
      case .s16: ("upscore16", 27)
      case .s8: ("upscore8", 31)
      }
    return cropped(enlarged(maps[0], name, by: stride.rawValue), from: offset, like: image)
  }

  private func enlarged(_ scores: Value, _ name: String, by factor: Int) -> Value {
    guard upsampling == .transposedConvolution else {
      // The published kernel adds half a factor on each side. The crop offsets rely on this.
      return scores.upsampled(upsampling, name, channels: classes, by: factor)
        .pad(Padding2D(factor / 2), named: "\(name).pad")
    }
    return scores.transposedConv(
      name, classes, kernel: Extent2D(2 * factor), stride: Extent2D(factor), bias: false, initializer: .bilinear)
  }

  /// Crops a map to the size of `other`, at `offset` pixels from the top and left.
  private func cropped(_ x: Value, from offset: Int, like other: Value) -> Value {
    x.pad(Padding2D(top: -offset, left: -offset, bottom: 0, right: 0), named: "crop")
      .crop(like: other, anchor: .topLeft)
  }
}
