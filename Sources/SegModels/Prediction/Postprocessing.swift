import SegEngine

/// What makes labels out of a network's first output.
public enum Postprocessing: Hashable, Sendable {
  /// Label 1 where the sigmoid of the one logit is above the threshold, else 0.
  case threshold(Float)
  /// The label with the largest logit; what adds up to 1 at every pixel is taken for probabilities.
  case argmax
  /// The label with the largest probability, which the network gives itself.
  case largestProbability
  /// The label that the network gives itself, of any element type.
  case labels
  /// Label 1 where the one probability, which the network gives itself, is above the threshold, else 0.
  case probabilityThreshold(Float)
  /// Label 1 where the one value, brought to 0 … 1 by its least and largest over the network's output, is above the threshold.
  case saliencyThreshold(Float)
  /// Of classes that do not exclude each other, each with a probability of its own: label 0 where none is above the threshold, else 1 + the
  /// channel of the largest.
  case independent(Float)

  /// What pixels are compared with, for those that compare.
  public var threshold: Float? {
    switch self {
    case .threshold(let value), .probabilityThreshold(let value), .saliencyThreshold(let value): value
    case .argmax, .largestProbability, .labels, .independent: nil
    }
  }

  /// The same with another threshold; `nil` where there is none.
  public func with(threshold: Float) -> Postprocessing? {
    switch self {
    case .threshold: .threshold(threshold)
    case .probabilityThreshold: .probabilityThreshold(threshold)
    case .saliencyThreshold: .saliencyThreshold(threshold)
    case .independent: .independent(threshold)
    case .argmax, .largestProbability, .labels: nil
    }
  }

  /// The labels of an image, at its own size or the network's, from an output `[1, height, width, classes]` of any resolution, or
  /// labels `[1, height, width]` that the network gives itself.
  ///
  /// The output is brought to the network's size, the part that shows the image to the image's size, both bilinearly (half-pixel
  /// centres) and before anything decides; labels go the same way by the nearest.
  func labels(
    from output: Tensor, placement: Placement, at resolution: Predictor.Resolution, on backend: any Backend
  ) throws -> LabelMap {
    let isLabels = self == .labels || output.elementType != .float32
    let map = try Postprocessing.featureMap(output)
    if threshold != nil, !isLabels, map.shape.channels != 1 {
      throw PredictionError.notBinary(classes: map.shape.channels)
    }
    let size = resolution == .image ? placement.imageSize : placement.networkSize
    let input = isLabels ? map.convertedToFloat() : map
    let graph = try Graph("postprocessing") { g in
      var x = Postprocessing.resized(
        g.input("output", input.shape), placement, at: resolution, isLabels ? .nearestExact : .bilinear)
      if !isLabels {
        x = threshold == nil ? withBackground(x).argmax(axis: -1, keepingAxis: false, elementType: .int32) : scored(x)
      }
      g.output("values", x)
    }
    let values = try graph.compiled(on: backend).run(["output": input])["values"]!
    let labels: [UInt16]
    if isLabels {
      labels = values.withElements(of: Float.self) { values in
        (0..<values.count).map { UInt16(min(max(values[$0].rounded(), 0), 65535)) }
      }
    } else if let threshold {
      let limits = self == .saliencyThreshold(threshold) ? input.extremes() : (0, 1)
      let bound = limits.0 + threshold * (limits.1 - limits.0)
      labels = values.withElements(of: Float.self) { values in
        (0..<values.count).map { values[$0] > bound ? 1 : 0 }
      }
    } else {
      labels = values.withElements(of: Int32.self) { values in (0..<values.count).map { UInt16(clamping: values[$0]) } }
    }
    return LabelMap(width: size.width, height: size.height, labels: labels)
  }

  /// An output at the size of the network's input, or of it the part that shows the image at the image's size.
  private static func resized(
    _ output: Value, _ placement: Placement, at resolution: Predictor.Resolution, _ interpolation: Resize.Interpolation
  ) -> Value {
    let (network, content) = (placement.networkSize, placement.content)
    let isOfInputSize = output.shape.height == network.height && output.shape.width == network.width
    let x = isOfInputSize ? output : output.resize(to: network, interpolation)
    if resolution == .network { return x }
    return x.slice(axis: 1, from: content.top, to: content.top + content.height)
      .slice(axis: 2, from: content.left, to: content.left + content.width)
      .resize(to: placement.imageSize, interpolation)
  }

  /// The probability of each class at the image's size, `[height, width, classes]`, from an output `[1, height, width, classes]` of any
  /// resolution. Background and foreground where the output has one channel. Logits are resized, bilinearly, before they become
  /// probabilities; what the network gives as probabilities is recognised by its sums.
  ///
  /// - Throws: ``PredictionError`` where the output is no map, or labels.
  func probabilities(from output: Tensor, placement: Placement, on backend: any Backend) throws -> Tensor {
    let map = try Postprocessing.featureMap(output)
    guard map.elementType == .float32, self != .labels else { throw PredictionError.noProbabilities }
    if threshold != nil, map.shape.channels != 1 { throw PredictionError.notBinary(classes: map.shape.channels) }
    let isProbability =
      self == .largestProbability || isIndependent || (self == .argmax && map.sumsToOne)
    let graph = try Graph("probabilities") { g in
      let x = Postprocessing.resized(g.input("output", map.shape), placement, at: .image, .bilinear)
      switch self {
      case .argmax, .largestProbability, .labels: g.output("values", isProbability ? x : x.softmax(axis: -1))
      case .independent: g.output("values", withBackground(x))
      case .saliencyThreshold:
        let (low, high) = map.extremes()
        g.output("values", (x - low) * (high > low ? 1 / (high - low) : 0))
      case .threshold, .probabilityThreshold: g.output("values", scored(x))
      }
    }
    let values = try graph.compiled(on: backend).run(["output": map])["values"]!
    let size = placement.imageSize
    if threshold == nil {
      var distribution = values.reshaped(to: [size.height, size.width, values.shape.channels])
      // Quantised ones add up to nearly 1, and those of classes that do not exclude each other to anything.
      if isProbability { distribution.normalizeRows() }
      return distribution
    }
    return values.withElements(of: Float.self) { values in
      Tensor([size.height, size.width, 2]) { (result: inout MutableSpan<Float>) in
        for pixel in 0..<values.count {
          let foreground = min(max(values[pixel], 0), 1)
          result[2 * pixel] = 1 - foreground
          result[2 * pixel + 1] = foreground
        }
      }
    }
  }

  private var isIndependent: Bool { if case .independent = self { true } else { false } }

  /// Of independent classes a channel before them that is the threshold everywhere, so that it is the largest where none exceeds it.
  private func withBackground(_ x: Value) -> Value {
    guard case .independent(let threshold) = self else { return x }
    let background = x.slice(axis: -1, from: 0, to: 1).map(.clip(low: threshold, high: threshold))
    return [background, x].concatenated(axis: -1)
  }

  /// What is compared with the threshold.
  func scored(_ x: Value) -> Value {
    if case .threshold = self { x.sigmoid() } else { x }
  }

  /// An output as `[1, height, width, channels]`.
  static func featureMap(_ output: Tensor) throws(PredictionError) -> Tensor {
    let shape = output.shape
    switch shape.rank {
    case 4 where shape.batch == 1: return output
    case 3 where shape[0] == 1: return output.reshaped(to: [1, shape[1], shape[2], 1])
    case 2: return output.reshaped(to: [1, shape[0], shape[1], 1])
    default: throw .notAMap(shape)
    }
  }
}

extension Tensor {
  /// Integers as float32.
  fileprivate func convertedToFloat() -> Tensor {
    switch elementType {
    case .float32: self
    case .uint8: Tensor(shape, elements(of: UInt8.self).map(Float.init))
    case .int32: Tensor(shape, elements(of: Int32.self).map(Float.init))
    case .int64: Tensor(shape, elements(of: Int64.self).map { Float($0) })
    }
  }

  /// Whether no value is negative and each pixel's values sum to 1.
  fileprivate var sumsToOne: Bool {
    let channels = shape.channels
    return withElements(of: Float.self) { values in
      for pixel in 0..<shape.rows {
        var sum: Float = 0
        for c in pixel * channels..<(pixel + 1) * channels {
          if !(values[c] >= 0) { return false }
          sum += values[c]
        }
        if !(abs(sum - 1) < 1e-3) { return false }
      }
      return true
    }
  }

  /// The least and the largest value.
  fileprivate func extremes() -> (Float, Float) {
    let values = elements(of: Float.self)
    return (values.min() ?? 0, values.max() ?? 1)
  }
}

/// An output that does not suit what is to be made of it.
public enum PredictionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A threshold needs a network of one logit.
  case notBinary(classes: Int)
  /// The output is no map of one image.
  case notAMap(Shape)
  /// The network gives labels where probabilities are wanted.
  case noProbabilities
  /// The network takes more samples a pixel than the image has.
  case tooFewBands(image: Int, network: Int)
  /// Images cannot be prepared so: means or deviations that are not one for all or one a channel, a size that is none.
  case preprocessing(String)

  /// One line that says what is wrong.
  public var description: String {
    switch self {
    case .notBinary(let classes): "a threshold is for networks of one logit, not \(classes)"
    case .notAMap(let shape): "the network's first output \(shape) is no map of one image"
    case .noProbabilities: "the network gives labels, not probabilities"
    case .tooFewBands(let image, let network):
      "the image has \(image) sample\(image == 1 ? "" : "s") a pixel, the network takes \(network)"
    case .preprocessing(let reason): "the preprocessing makes no sense: \(reason)"
    }
  }
}
