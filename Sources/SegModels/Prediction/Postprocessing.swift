import SegEngine

/// What makes labels out of a network's first output.
public enum Postprocessing: Hashable, Sendable {
  /// Label 1 where the sigmoid of the one logit is above the threshold, else 0.
  case threshold(Float)
  /// The label with the largest value, logit or probability.
  case argmax
  /// Label 1 where the one probability, which the network gives itself, is above the threshold, else 0.
  case probabilityThreshold(Float)
  /// Label 1 where the one value, brought to 0 … 1 by its least and largest over the network's output, is above the threshold.
  case saliencyThreshold(Float)

  /// What pixels are compared with, for those that compare.
  public var threshold: Float? {
    switch self {
    case .threshold(let value), .probabilityThreshold(let value), .saliencyThreshold(let value): value
    case .argmax: nil
    }
  }

  /// The same with another threshold; `nil` where there is none.
  public func with(threshold: Float) -> Postprocessing? {
    switch self {
    case .threshold: .threshold(threshold)
    case .probabilityThreshold: .probabilityThreshold(threshold)
    case .saliencyThreshold: .saliencyThreshold(threshold)
    case .argmax: nil
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
    let isLabels = output.elementType != .float32
    let map = try Postprocessing.featureMap(output)
    if threshold != nil, !isLabels, map.shape.channels != 1 {
      throw PredictionError.notBinary(classes: map.shape.channels)
    }
    let content = placement.content
    let network = placement.networkSize
    let size = resolution == .image ? placement.imageSize : network
    let input = isLabels ? map.convertedToFloat() : map
    let graph = try Graph("postprocessing") { g in
      var x = g.input("output", input.shape)
      let interpolation: Resize.Interpolation = isLabels ? .nearestExact : .bilinear
      if x.shape.height != network.height || x.shape.width != network.width { x = x.resize(to: network, interpolation) }
      if resolution == .image {
        x = x.slice(axis: 1, from: content.top, to: content.top + content.height)
          .slice(axis: 2, from: content.left, to: content.left + content.width)
          .resize(to: size, interpolation)
      }
      if !isLabels { x = self == .argmax ? x.argmax(axis: -1, keepingAxis: false, elementType: .int32) : scored(x) }
      g.output("values", x)
    }
    let values = try graph.compiled(on: backend).run(["output": input])["values"]!
    let labels: [UInt16]
    if isLabels {
      labels = values.withElements(of: Float.self) { values in
        (0..<values.count).map { UInt16(clamping: Int(values[$0])) }
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

  /// One line that says what is wrong.
  public var description: String {
    switch self {
    case .notBinary(let classes): "a threshold is for networks of one logit, not \(classes)"
    case .notAMap(let shape): "the network's first output \(shape) is no map of one image"
    }
  }
}
