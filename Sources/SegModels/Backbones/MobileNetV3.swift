import SegEngine

/// MobileNetV3-Large (Howard et al. 2019): inverted residual blocks with squeeze-and-excitation and hard swish.
///
/// Parameters are named as in torchvision: `features.4.block.2.fc1.weight`, `classifier.0.weight`; within segmentation
/// networks without `features.`. Batch normalisation has ε = 0.001.
public struct MobileNetV3: Backbone, Hashable {
  /// Channels of the input image.
  public var inputChannels = 3
  /// Whether the last stage is dilated by 2 instead of strided, for an output stride of 16.
  public var isDilated = false
  /// The prefix of layer numbers in parameter names.
  public var prefix = "features"

  /// Creates MobileNetV3-Large.
  public init(isDilated: Bool = false, prefix: String = "features") {
    self.isDilated = isDilated
    self.prefix = prefix
  }

  private struct Row {
    let kernel, expanded, width: Int
    let squeezes, isHard: Bool
    var stride = 1
    var rate = 1
  }

  /// Table 1 of the paper.
  private var rows: [Row] {
    let rate = isDilated ? 2 : 1
    return [
      Row(kernel: 3, expanded: 16, width: 16, squeezes: false, isHard: false),
      Row(kernel: 3, expanded: 64, width: 24, squeezes: false, isHard: false, stride: 2),
      Row(kernel: 3, expanded: 72, width: 24, squeezes: false, isHard: false),
      Row(kernel: 5, expanded: 72, width: 40, squeezes: true, isHard: false, stride: 2),
      Row(kernel: 5, expanded: 120, width: 40, squeezes: true, isHard: false),
      Row(kernel: 5, expanded: 120, width: 40, squeezes: true, isHard: false),
      Row(kernel: 3, expanded: 240, width: 80, squeezes: false, isHard: true, stride: 2),
      Row(kernel: 3, expanded: 200, width: 80, squeezes: false, isHard: true),
      Row(kernel: 3, expanded: 184, width: 80, squeezes: false, isHard: true),
      Row(kernel: 3, expanded: 184, width: 80, squeezes: false, isHard: true),
      Row(kernel: 3, expanded: 480, width: 112, squeezes: true, isHard: true),
      Row(kernel: 3, expanded: 672, width: 112, squeezes: true, isHard: true),
      Row(kernel: 5, expanded: 672, width: 160, squeezes: true, isHard: true, stride: isDilated ? 1 : 2, rate: rate),
      Row(kernel: 5, expanded: 960, width: 160, squeezes: true, isHard: true, rate: rate),
      Row(kernel: 5, expanded: 960, width: 160, squeezes: true, isHard: true, rate: rate),
    ]
  }

  /// The indices of the layers whose maps are the features: those that torchvision's networks use (4 and 16), and the
  /// last layer of every other stride.
  private static let taps = [1, 3, 4, 12, 16]

  public var title: String { "MobileNetV3-Large" + (isDilated ? " of stride 16" : "") }

  public var features: [Feature] {
    zip(Self.taps, [(16, 2), (24, 4), (40, 8), (112, 16), (960, isDilated ? 16 : 32)]).map {
      Feature("features.\($0)", channels: $1.0, stride: $1.1)
    }
  }

  private static let norm = Normalization.batchWithEpsilon(0.001)

  public func features(of image: Value) -> [Value] {
    prefix.isEmpty ? layers(image) : image.graph.scope(prefix) { layers(image) }
  }

  private func layers(_ image: Value) -> [Value] {
    var x = image.convolved("0.0", "0.1", 16, kernel: 3, stride: 2, Self.norm, .hardSwish)
    var maps: [Value] = []
    for (index, row) in rows.enumerated() {
      x = x.graph.scope("\(index + 1).block") { invertedResidual(x, row) }
      if Self.taps.contains(index + 1) { maps.append(x) }
    }
    maps.append(x.convolved("16.0", "16.1", 960, kernel: 1, Self.norm, .hardSwish))
    return maps
  }

  public func classifier(_ features: [Value], classes: Int) -> Value {
    let last = features[features.count - 1]
    return last.globalAveragePool().reshape([0, last.channels]).linear("classifier.0", 1280).hardSwish()
      .linear("classifier.3", classes)
  }

  private func invertedResidual(_ x: Value, _ row: Row) -> Value {
    let function: ElementwiseFunction = row.isHard ? .hardSwish : .relu
    var y = x
    var index = 0
    if row.expanded != x.channels {
      y = y.convolved("0.0", "0.1", row.expanded, kernel: 1, Self.norm, function)
      index = 1
    }
    y = y.convolved(
      "\(index).0", "\(index).1", row.expanded, kernel: Extent2D(row.kernel), stride: Extent2D(row.stride),
      dilation: Extent2D(row.rate), groups: row.expanded, Self.norm, function)
    index += 1
    if row.squeezes {
      let weights = y.globalAveragePool().conv("\(index).fc1", scaledWidth(row.expanded / 4, by: 1), kernel: 1).relu()
        .conv("\(index).fc2", row.expanded, kernel: 1).map(.hardSigmoid(slope: 1 / 6, offset: 1 / 2))
      y = y * weights
      index += 1
    }
    y = y.convolved("\(index).0", "\(index).1", row.width, kernel: 1, Self.norm, nil)
    // The first block of a dilated stage changes the width, so it has no shortcut although it keeps the size.
    return row.stride == 1 && x.channels == row.width ? x + y : y
  }
}
