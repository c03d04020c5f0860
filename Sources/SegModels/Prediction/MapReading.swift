import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What is read off a network's output map, as operators of a graph: labels or probabilities, at the size of the image or of the
/// network's input.
///
/// The map, of any resolution, is brought to the network's size, the part of it that shows the image to the image's size, both
/// bilinearly (half-pixel centres) and before anything decides; labels go the same way by the nearest.
struct MapReading: Hashable, Sendable {
  /// What is read.
  enum Result: Hashable, Sendable {
    /// The label of each pixel, `[1, height, width]` or with a last axis of 1: uint16, or the type in which the network gives labels.
    case labels
    /// The probability of each class, `[1, height, width, classes]`, or of foreground alone. The map's values are those already where
    /// they `areProvided`.
    case probabilities(areProvided: Bool)
  }

  let postprocessing: Postprocessing
  let placement: Placement
  let resolution: Predictor.Resolution
  let result: Result

  /// Whether the pixels that are read are those of the network's input, as they lie, so that the image's size adds no resizing.
  var keepsPixels: Bool {
    let content = placement.content
    return resolution == .network
      || placement.imageSize == Extent2D(content.height, content.width)
  }

  /// Adds what reads a map to its graph.
  ///
  /// - Throws: ``PredictionError`` where the map is none, or not what is to be read.
  func read(_ output: Value) throws(PredictionError) -> Value {
    let map = try MapReading.featureMap(output)
    let isLabels = postprocessing == .labels || map.elementType != .float32
    if isLabels {
      guard result == .labels else { throw .noProbabilities }
      guard map.channels == 1 else { throw .notAMap(output.shape) }
      return resized(map, .nearestExact)
    }
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
    // The sigmoid is above t where the logit is above log(t / (1 − t)).
    case .threshold(let threshold):
      x.threshold(at: number(logit(threshold), in: x.graph), elementType: .uint16)
    case .probabilityThreshold(let threshold):
      x.threshold(at: number(threshold, in: x.graph), elementType: .uint16)
    case .saliencyThreshold(let threshold):
      x.threshold(at: bound(threshold, of: map), elementType: .uint16)
    }
  }

  private func probabilities(_ x: Value, of map: Value, areProvided: Bool) -> Value {
    switch postprocessing {
    case .argmax, .largestProbability, .labels: areProvided ? x : x.softmax(axis: -1)
    case .independent(let threshold): withBackground(x, threshold)
    case .threshold: x.sigmoid()
    case .probabilityThreshold: x
    case .saliencyThreshold:
      // A map of one value everywhere is of no foreground: the division by the least positive number leaves 0.
      (x - least(map)) / (largest(map) - least(map)).map(.clip(low: .leastNormalMagnitude, high: .infinity))
    }
  }

  /// An output at the size of the network's input, or of it the part that shows the image at the image's size.
  private func resized(_ output: Value, _ interpolation: Resize.Interpolation) -> Value {
    let (network, content) = (placement.networkSize, placement.content)
    let isOfInputSize = output.shape.height == network.height && output.shape.width == network.width
    var x = isOfInputSize ? output : output.resize(to: network, interpolation)
    if resolution == .network { return x }
    if content.height < network.height { x = x.slice(axis: 1, from: content.top, to: content.top + content.height) }
    if content.width < network.width { x = x.slice(axis: 2, from: content.left, to: content.left + content.width) }
    return keepsPixels ? x : x.resize(to: placement.imageSize, interpolation)
  }

  /// Of independent classes a channel before them that is the threshold everywhere, so that it is the largest where none exceeds it.
  private func withBackground(_ x: Value, _ threshold: Float) -> Value {
    let background = x.slice(axis: -1, from: 0, to: 1).map(.clip(low: threshold, high: threshold))
    return [background, x].concatenated(axis: -1)
  }

  private func least(_ map: Value) -> Value { map.reduce(.minimum, axes: []) }
  private func largest(_ map: Value) -> Value { map.reduce(.maximum, axes: []) }

  /// The value at a share of the way from the least of a map to its largest.
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

/// log(p / (1 − p)), the number whose sigmoid is p.
private func logit(_ probability: Float) -> Float {
  let p = Double(probability)
  return p <= 0 ? -.infinity : p >= 1 ? .infinity : Float(log(p / (1 - p)))
}
