import SegEngine

/// ENet (Paszke et al. 2016): regular, dilated and asymmetric bottlenecks at strides 4 and 8, and a small decoder with
/// max unpooling.
///
/// ``init()`` follows the common PyTorch port, with its names: the bottlenecks of the paper's table (the third stage is
/// the second without downsampling, as in the paper); PReLU in the encoder with one slope per activation, which the
/// port shares within a bottleneck and stores under the name of each use; ReLU in the decoder; no bias; 2×2 transposed
/// convolutions in the decoder's bottlenecks. It has 0.35 million parameters. ``published`` follows the paper: one
/// slope per channel and 3×3 transposed convolutions, 0.36 million parameters, which the paper rounds to 0.37. The last
/// transposed convolution, 3×3 in the port, computes the logits at the image's size.
public struct ENet: SegmentationNetwork, Hashable {
  /// Channels of the input image.
  public var inputChannels = 3
  /// The number of classes.
  public var classes = 12
  /// Channels after the initial block, at stride 4 and at stride 8. The output of the initial block includes the
  /// channels of the image.
  public var widths = [16, 64, 128]
  /// The ratio of a map's channels to its bottleneck's.
  public var reduction = 4
  /// Whether the encoder's PReLUs have one slope per channel.
  public var hasSlopePerChannel = false
  /// The kernel size of the decoder's transposed convolutions, 2 or 3.
  public var transposedKernel = 2
  /// The upsampling on the shortcut of the decoder's bottlenecks.
  public var upsampling = Upsampling.maxUnpooling

  /// Creates the network of the common port.
  public init() {}

  /// The network of the paper, with the port's names.
  public static var published: ENet {
    var network = ENet()
    network.hasSlopePerChannel = true
    network.transposedKernel = 3
    return network
  }

  /// The kind of the middle convolution of a bottleneck.
  private enum Middle {
    case regular
    case dilated(Int)
    /// 5×1, followed by 1×5.
    case asymmetric
  }

  /// The bottlenecks of the second and of the third stage; they differ in their numbers only.
  private static let deepStage: [(name: String, middle: Middle)] = [
    ("regular", .regular), ("dilated", .dilated(2)), ("asymmetric", .asymmetric), ("dilated", .dilated(4)),
    ("regular", .regular), ("dilated", .dilated(8)), ("asymmetric", .asymmetric), ("dilated", .dilated(16)),
  ]

  public var title: String { "ENet" }

  public var features: [Feature] {
    zip(["initial_block", "regular1_4", "dilated3_7"], widths).enumerated().map {
      Feature($1.0, channels: $1.1, stride: 2 << $0)
    }
  }

  public var checkpoints: CheckpointMapping { CheckpointMapping(head: ["transposed_conv."]) }

  /// The maps of ``features``, followed by the pooling indices of both downsampling bottlenecks.
  public func encoder(_ image: Value) -> [Value] {
    precondition(
      widths.count == 3 && widths[0] > inputChannels,
      "widths must be three, the first larger than the image's channels")
    let g = image.graph
    let first = g.scope("initial_block") {
      image.conv("main_branch", widths[0] - inputChannels, kernel: 3, stride: 2, bias: false)
        .concat(with: image.maxPool(kernel: 3, stride: 2, padding: 1, named: "ext_branch"))
        .batchNorm("batch_norm").prelu("out_prelu", perChannel: hasSlopePerChannel)
    }
    var (x, firstPlaces) = g.scope("downsample1_0") { downsampled(first, to: widths[1], dropping: 0.01) }
    for index in 1...4 {
      x = g.scope("regular1_\(index)") { bottleneck(x, .regular, isEncoder: true, dropping: 0.01) }
    }
    let quarter = x
    let (eighth, secondPlaces) = g.scope("downsample2_0") { downsampled(quarter, to: widths[2], dropping: 0.1) }
    x = eighth
    for (stage, start) in [(2, 1), (3, 0)] {
      for (index, step) in Self.deepStage.enumerated() {
        x = g.scope("\(step.name)\(stage)_\(start + index)") { bottleneck(x, step.middle, isEncoder: true) }
      }
    }
    return [first, quarter, x, firstPlaces, secondPlaces]
  }

  public func decoder(_ features: [Value]) -> [Value] {
    let g = features[0].graph
    var x = g.scope("upsample4_0") {
      upsampled(features[2], to: widths[1], places: features[4], like: features[1])
    }
    for index in 1...2 { x = g.scope("regular4_\(index)") { bottleneck(x, .regular, isEncoder: false) } }
    x = g.scope("upsample5_0") { upsampled(x, to: widths[0], places: features[3], like: features[0]) }
    return [g.scope("regular5_1") { bottleneck(x, .regular, isEncoder: false) }]
  }

  /// For an image of odd size, the output of the transposed convolution has an extra row and column, which are cropped.
  public func head(_ maps: [Value], like image: Value) -> Value {
    maps[0].transposedConv(
      "transposed_conv", classes, kernel: 3, stride: 2, padding: 1, outputPadding: 1, bias: false
    ).crop(like: image, anchor: .topLeft, named: "crop")
  }

  private func activated(_ x: Value, _ name: String, isEncoder: Bool) -> Value {
    isEncoder ? x.prelu(name, perChannel: hasSlopePerChannel) : x.relu()
  }

  /// A convolution, its normalisation and its activation, at indices `start`, `start + 1` and `start + 2` of a
  /// sequence.
  private func step(
    _ x: Value, _ sequence: String, _ width: Int, kernel: Extent2D, stride: Extent2D = 1, dilation: Extent2D = 1,
    padding: Padding2D? = nil, at start: Int = 0, isEncoder: Bool
  ) -> Value {
    let y = x.conv(
      "\(sequence).\(start)", width, kernel: kernel, stride: stride, padding: padding, dilation: dilation, bias: false)
    return activated(y.batchNorm("\(sequence).\(start + 1)"), "\(sequence).\(start + 2)", isEncoder: isEncoder)
  }

  /// The channels of a bottleneck's branch that are dropped in training: in the first stage one of a hundred, then a tenth.
  private func regularized(_ branch: Value, _ rate: Double) -> Value {
    branch.dropout("ext_regul", rate: rate, of: .channel)
  }

  private func bottleneck(_ x: Value, _ middle: Middle, isEncoder: Bool, dropping rate: Double = 0.1) -> Value {
    let width = x.channels / reduction
    var y = step(x, "ext_conv1", width, kernel: 1, isEncoder: isEncoder)
    switch middle {
    case .regular: y = step(y, "ext_conv2", width, kernel: 3, isEncoder: isEncoder)
    case .dilated(let rate):
      y = step(y, "ext_conv2", width, kernel: 3, dilation: Extent2D(rate), isEncoder: isEncoder)
    case .asymmetric:
      y = step(y, "ext_conv2", width, kernel: Extent2D(height: 5, width: 1), isEncoder: isEncoder)
      y = step(y, "ext_conv2", width, kernel: Extent2D(height: 1, width: 5), at: 3, isEncoder: isEncoder)
    }
    let branch = regularized(step(y, "ext_conv3", x.channels, kernel: 1, isEncoder: isEncoder), rate)
    return activated(x + branch, "out_prelu", isEncoder: isEncoder)
  }

  /// Downsampling by 2: max pooling, padded with zero channels, plus a bottleneck that starts with a 2×2 convolution of
  /// stride 2.
  private func downsampled(_ x: Value, to channels: Int, dropping rate: Double) -> (map: Value, places: Value) {
    let width = x.channels / reduction
    var y = step(x, "ext_conv1", width, kernel: 2, stride: 2, padding: 0, isEncoder: true)
    y = step(y, "ext_conv2", width, kernel: 3, isEncoder: true)
    y = regularized(step(y, "ext_conv3", channels, kernel: 1, isEncoder: true), rate)
    let (pooled, places) = x.maxPoolWithIndices(kernel: 2, named: "main_max1")
    let main = pooled.pad([Pad.Amount(axis: 3, before: 0, after: channels - x.channels)], named: "newChannels")
    return (activated(main + y, "out_prelu", isEncoder: true), places)
  }

  /// Upsampling by 2 to the size of `other`: max unpooling plus a bottleneck with a transposed convolution.
  private func upsampled(_ x: Value, to channels: Int, places: Value, like other: Value) -> Value {
    let narrowed = x.conv("main_conv1.0", channels, kernel: 1, bias: false).batchNorm("main_conv1.1")
    // The port's convolution has no bias and a normalisation; that of ``Upsampling/maxUnpooling`` has a bias and none.
    let main =
      upsampling == .maxUnpooling
      ? narrowed.maxUnpool(places, like: other, named: "main_unpool1")
      : narrowed.upsampled(upsampling, "main_up1", channels: channels, by: 2, like: other)
    let width = x.channels / reduction
    // Without a bias, rows that the transposed convolution does not reach are zero.
    let y = step(x, "ext_conv1", width, kernel: 1, isEncoder: false)
      .transposedConv(
        "ext_tconv1", width, kernel: Extent2D(transposedKernel), stride: 2, padding: transposedKernel == 3 ? 1 : 0,
        outputPadding: transposedKernel == 3 ? 1 : 0, bias: false
      ).pad(like: other, named: "ext_tconv1.pad")
      .batchNorm("ext_tconv1_bnorm").relu()
    return (main + regularized(step(y, "ext_conv2", channels, kernel: 1, isEncoder: false), 0.1)).relu()
  }
}
