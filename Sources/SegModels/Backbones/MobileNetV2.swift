import SegEngine

/// MobileNetV2 (Sandler et al. 2018): inverted residual blocks of a 1×1 expansion, a 3×3 depthwise convolution and a
/// 1×1 projection without activation.
///
/// Parameters are named as in torchvision: `features.1.conv.0.0.weight`, `classifier.1.weight`.
public struct MobileNetV2: Backbone, Hashable {
  /// Channels of the input image.
  public var inputChannels = 3
  /// The factor of all widths, which are rounded to multiples of 8.
  public var widthMultiplier = 1.0
  /// The output stride: 32, or 16 or 8, where late stages are dilated from their first block on instead of strided.
  public var outputStride = 32

  /// Creates MobileNetV2 with a width multiplier.
  public init(widthMultiplier: Double = 1, outputStride: Int = 32) {
    self.widthMultiplier = widthMultiplier
    self.outputStride = outputStride
  }

  /// Expansion, channels, blocks and stride of each stage.
  private static let stages = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
  ]
  /// The indices of the layers whose maps are the features: the last layer before each stride, and the last layer.
  private static let taps = [1, 3, 6, 13, 18]

  public var title: String {
    "MobileNetV2" + (widthMultiplier == 1 ? "" : " ×\(widthMultiplier)")
      + (outputStride == 32 ? "" : " of stride \(outputStride)")
  }

  public var features: [Feature] {
    zip(Self.taps, [16, 24, 32, 96, 1280]).enumerated().map { level, tap in
      let factor = tap.1 == 1280 ? max(1, widthMultiplier) : widthMultiplier
      return Feature(
        "features.\(tap.0)", channels: scaledWidth(tap.1, by: factor), stride: min(2 << level, outputStride))
    }
  }

  public func features(of image: Value) -> [Value] {
    precondition([8, 16, 32].contains(outputStride), "the output stride must be 8, 16 or 32, not \(outputStride)")
    return image.graph.scope("features") {
      var x = image.convolved(
        "0.0", "0.1", scaledWidth(32, by: widthMultiplier), kernel: 3, stride: 2, .batch, .relu6)
      var maps: [Value] = []
      var (index, stride, rate) = (1, 2, 1)
      for (expansion, channels, blocks, stageStride) in Self.stages {
        var first = stageStride
        if stride * first > outputStride {
          rate *= first
          first = 1
        }
        stride *= first
        for block in 0..<blocks {
          x = x.graph.scope("\(index).conv") {
            invertedResidual(
              x, scaledWidth(channels, by: widthMultiplier), expansion: expansion, stride: block == 0 ? first : 1,
              rate: rate, keepsSize: block > 0 || stageStride == 1)
          }
          if Self.taps.contains(index) { maps.append(x) }
          index += 1
        }
      }
      let width = scaledWidth(1280, by: max(1, widthMultiplier))
      maps.append(x.convolved("\(index).0", "\(index).1", width, kernel: 1, .batch, .relu6))
      return maps
    }
  }

  public func classifier(_ features: [Value], classes: Int) -> Value {
    let last = features[features.count - 1]
    return last.globalAveragePool().reshape([0, last.channels]).linear("classifier.1", classes)
  }

  /// An inverted residual block. It has a shortcut if it keeps the width and, before strides are replaced by dilations,
  /// the size.
  private func invertedResidual(
    _ x: Value, _ width: Int, expansion: Int, stride: Int, rate: Int, keepsSize: Bool
  ) -> Value {
    let hidden = x.channels * expansion
    var y = x
    var index = 0
    if expansion != 1 {
      y = y.convolved("0.0", "0.1", hidden, kernel: 1, .batch, .relu6)
      index = 1
    }
    y = y.convolved(
      "\(index).0", "\(index).1", hidden, kernel: 3, stride: Extent2D(stride), dilation: Extent2D(rate),
      groups: hidden, .batch, .relu6
    ).convolved("\(index + 1)", "\(index + 2)", width, kernel: 1, .batch, nil)
    return keepsSize && x.channels == width ? x + y : y
  }
}

/// A width times a factor, rounded to a multiple of `divisor` that is at least 90 % of the product, as in the
/// MobileNets.
func scaledWidth(_ width: Int, by factor: Double, divisor: Int = 8) -> Int {
  let exact = Double(width) * factor
  let rounded = max(divisor, Int(exact + Double(divisor) / 2) / divisor * divisor)
  return Double(rounded) < 0.9 * exact ? rounded + divisor : rounded
}
