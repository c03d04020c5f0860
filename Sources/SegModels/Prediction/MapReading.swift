import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Computes labels or probabilities from a network's output map, as operators of a graph, at the size of the image or
/// of the network's input.
///
/// The map may have any resolution. It is resized to the network's input size, and the part that shows the image to the
/// image's size. Both resizes are bilinear with half-pixel centres and come before argmax or threshold. Label maps are
/// resized by nearest neighbour.
struct MapReading: Hashable, Sendable {
  /// The value to compute.
  enum Result: Hashable, Sendable {
    /// The label of each pixel, `[1, height, width]` or `[1, height, width, 1]`: uint16, or the element type of a
    /// network that outputs labels.
    case labels
    /// The probability of each class, `[1, height, width, classes]`, or of the foreground only. If `areProvided`, the
    /// values of the map already are probabilities.
    case probabilities(areProvided: Bool)
  }

  let postprocessing: Postprocessing
  let placement: Placement
  let resolution: Predictor.Resolution
  let result: Result

  /// Whether the result has the pixels of the network's input, so that no resizing to the image's size is needed.
  var keepsPixels: Bool {
    let content = placement.content
    return resolution == .network
      || placement.imageSize == Extent2D(height: content.height, width: content.width)
  }

  /// Adds the operators to the output's graph.
  ///
  /// - Throws: ``PredictionError`` if the output is not a map, or does not match the requested result.
  func read(_ output: Value) throws(PredictionError) -> Value {
    var map = try MapReading.featureMap(output)
    let isLabels = postprocessing == .labels || map.elementType != .float32
    if isLabels {
      guard result == .labels else { throw .noProbabilities }
      guard map.channels == 1 else { throw .notAMap(output.shape) }
      return resized(map, .nearestExact)
    }
    if case .saliencyLogits = postprocessing { map = map.sigmoid() }
    if postprocessing.threshold != nil, map.channels != 1 { throw .notBinary(classes: map.channels) }
    let x = resized(map, .bilinear)
    return switch result {
    case .labels: labels(x, of: map)
    case .probabilities(let areProvided): probabilities(x, of: map, areProvided: areProvided)
    }
  }

  private func labels(_ x: Value, of map: Value) -> Value {
    switch postprocessing {
    case .argmax, .largestProbability, .labels: x.argmax(axis: -1, keepingAxis: false, elementType: .uint16)
    case .independent(let threshold):
      withBackground(x, threshold).argmax(axis: -1, keepingAxis: false, elementType: .uint16)
    // The sigmoid exceeds t where the logit exceeds log(t / (1 − t)).
    case .threshold(let threshold):
      x.threshold(at: number(logit(threshold), in: x.graph), elementType: .uint16)
    case .probabilityThreshold(let threshold):
      x.threshold(at: number(threshold, in: x.graph), elementType: .uint16)
    case .saliencyThreshold(let threshold), .saliencyLogits(let threshold):
      x.threshold(at: bound(threshold, of: map), elementType: .uint16)
    }
  }

  private func probabilities(_ x: Value, of map: Value, areProvided: Bool) -> Value {
    switch postprocessing {
    case .argmax, .largestProbability, .labels: areProvided ? x : x.softmax(axis: -1)
    case .independent(let threshold): withBackground(x, threshold)
    case .threshold: x.sigmoid()
    case .probabilityThreshold: x
    case .saliencyThreshold, .saliencyLogits:
      // A constant map has no foreground: dividing by the smallest positive number gives 0.
      (x - least(map)) / (largest(map) - least(map)).map(.clip(low: .leastNormalMagnitude, high: .infinity))
    }
  }

  /// Resizes a map to the network's input size or, for image resolution, the part that shows the image to the image's
  /// size.
  private func resized(_ output: Value, _ interpolation: Resize.Interpolation) -> Value {
    let (network, content) = (placement.networkSize, placement.content)
    let isOfInputSize = output.shape.height == network.height && output.shape.width == network.width
    var x = isOfInputSize ? output : output.resize(to: network, interpolation)
    if resolution == .network { return x }
    if content.height < network.height { x = x.slice(axis: 1, from: content.top, to: content.top + content.height) }
    if content.width < network.width { x = x.slice(axis: 2, from: content.left, to: content.left + content.width) }
    return keepsPixels ? x : x.resize(to: placement.imageSize, interpolation)
  }

  /// Prepends a channel with the constant threshold to the channels of independent classes. It is the largest where no
  /// class exceeds the threshold.
  private func withBackground(_ x: Value, _ threshold: Float) -> Value {
    let background = x.slice(axis: -1, from: 0, to: 1).map(.clip(low: threshold, high: threshold))
    return [background, x].concatenated(axis: -1)
  }

  private func least(_ map: Value) -> Value { map.reduce(.minimum, axes: []) }
  private func largest(_ map: Value) -> Value { map.reduce(.maximum, axes: []) }

  /// The value at a share of the range from the minimum to the maximum of a map.
  private func bound(_ share: Float, of map: Value) -> Value {
    (largest(map) - least(map)) * share + least(map)
  }

  private func number(_ value: Float, in graph: GraphBuilder) -> Value {
    graph.constant(Tensor([1, 1, 1, 1], [value]))
  }

  /// An output as `[1, height, width, channels]`.
  private static func featureMap(_ output: Value) throws(PredictionError) -> Value {
    let shape = try featureMapShape(output.shape)
    return shape == output.shape ? output : output.reshape(shape.dimensions)
  }

  /// The shape of an output as `[1, height, width, channels]`.
  static func featureMapShape(_ shape: Shape) throws(PredictionError) -> Shape {
    switch shape.rank {
    case 4 where shape.batch == 1: return shape
    case 3 where shape[0] == 1: return [1, shape[1], shape[2], 1]
    case 2: return [1, shape[0], shape[1], 1]
    default: throw .notAMap(shape)
    }
  }
}

/// log(p / (1 − p)), the inverse of the sigmoid.
private func logit(_ probability: Float) -> Float {
  let p = Double(probability)
  return p <= 0 ? -.infinity : p >= 1 ? .infinity : Float(log(p / (1 - p)))
}
