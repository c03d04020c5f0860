import SegEngine

/// Aligned Xception-65 (Chen et al. 2018, DeepLab v3+): separable convolutions instead of pooling, batch normalisation
/// after depthwise and pointwise convolutions, and sixteen blocks in the middle flow.
///
/// Batch normalisation has ε = 0.001. Parameters are named as in timm: `stem.0.conv.weight`,
/// `blocks.0.stack.conv1.conv_dw.weight`, `head.fc.weight`. As in timm and the published TensorFlow network, the
/// feature map of a finer stride is the input of the last separable convolution of a strided block, after its
/// activation.
public struct Xception65: Backbone, Hashable {
  /// Channels of the input image.
  public var inputChannels = 3
  /// The output stride: 32, or 16 or 8. A block whose stride is removed keeps the dilation of the previous block.
  public var outputStride = 32
  /// The separator between a list's name and an index: a dot, or an underscore in timm's feature extractors, which
  /// segmentation-models-pytorch uses.
  public var listSeparator = "."
  /// The number of blocks in the middle flow.
  public var middleBlocks = 16

  /// Creates Xception-65.
  public init(outputStride: Int = 32, middleBlocks: Int = 16, listSeparator: String = ".") {
    self.outputStride = outputStride
    self.listSeparator = listSeparator
    self.middleBlocks = middleBlocks
  }

  public var title: String { "Xception-65" + (outputStride == 32 ? "" : " of stride \(outputStride)") }

  private struct Row {
    let widths: [Int]
    var stride = 1
    var isLast = false
  }

  private var rows: [Row] {
    [Row(widths: [128, 128, 128], stride: 2), Row(widths: [256, 256, 256], stride: 2)]
      + [Row(widths: [728, 728, 728], stride: 2)]
      + Array(repeating: Row(widths: [728, 728, 728]), count: middleBlocks)
      + [Row(widths: [728, 1024, 1024], stride: 2), Row(widths: [1536, 1536, 2048], isLast: true)]
  }

  public var features: [Feature] {
    [
      Feature("blocks.0", channels: 128, stride: 2), Feature("blocks.1", channels: 256, stride: 4),
      Feature("blocks.2", channels: 728, stride: min(8, outputStride)),
      Feature("blocks.\(middleBlocks + 3)", channels: 1024, stride: min(16, outputStride)),
      Feature("blocks.\(middleBlocks + 4)", channels: 2048, stride: outputStride),
    ]
  }

  fileprivate static let norm = Normalization.batchWithEpsilon(0.001)

  public func features(of image: Value) -> [Value] {
    precondition([8, 16, 32].contains(outputStride), "the output stride must be 8, 16 or 32, not \(outputStride)")
    var x = image.convolved(
      "stem\(listSeparator)0.conv", "stem\(listSeparator)0.bn", 32, kernel: 3, stride: 2, Self.norm
    )
    .convolved("stem\(listSeparator)1.conv", "stem\(listSeparator)1.bn", 64, kernel: 3, Self.norm)
    var maps: [Value] = []
    var (stride, rate) = (2, 1)
    for (index, row) in rows.enumerated() {
      var blockStride = row.stride
      let blockRate = rate
      if stride * blockStride > outputStride {
        rate *= blockStride
        blockStride = 1
      }
      stride *= blockStride
      let result = x.graph.scope("blocks\(listSeparator)\(index)") {
        block(x, row, stride: blockStride, rate: blockRate)
      }
      if row.stride > 1 { maps.append(result.tap) }
      x = result.output
    }
    return maps + [x]
  }

  public func classifier(_ features: [Value], classes: Int) -> Value {
    let last = features[features.count - 1]
    return last.globalAveragePool().reshape([0, last.channels]).linear("head.fc", classes)
  }

  /// Three separable convolutions, the last with the stride, plus a shortcut. `tap` is the input of the last
  /// convolution.
  private func block(_ x: Value, _ row: Row, stride: Int, rate: Int) -> (output: Value, tap: Value) {
    var y = x
    var tap = x
    for index in 0..<3 {
      if !row.isLast { y = y.relu() }
      tap = y
      y = y.separableConv(
        "stack.conv\(index + 1)", row.widths[index], stride: index == 2 ? stride : 1, rate: rate,
        activated: row.isLast)
    }
    guard !row.isLast else { return (y, tap) }
    let projects = stride != 1 || x.channels != y.channels
    let shortcut =
      projects
      ? x.convolved("shortcut.conv", "shortcut.bn", y.channels, kernel: 1, stride: Extent2D(stride), Self.norm, nil) : x
    return (y + shortcut, tap)
  }
}

extension Value {
  /// A 3×3 depthwise and a 1×1 convolution, each with batch normalisation and, if `activated`, ReLU: `name.conv_dw`,
  /// `bn_dw`, `conv_pw`, `bn_pw`.
  fileprivate func separableConv(_ name: String, _ width: Int, stride: Int, rate: Int, activated: Bool) -> Value {
    graph.scope(name) {
      convolved(
        "conv_dw", "bn_dw", channels, kernel: 3, stride: Extent2D(stride), dilation: Extent2D(rate), groups: channels,
        Xception65.norm, activated ? .relu : nil
      ).convolved("conv_pw", "bn_pw", width, kernel: 1, Xception65.norm, activated ? .relu : nil)
    }
  }
}
