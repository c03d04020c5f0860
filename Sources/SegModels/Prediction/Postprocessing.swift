import SegEngine

/// What makes labels out of a network's logits.
public enum Postprocessing: Hashable, Sendable {
  /// Label 1 where the sigmoid of the one logit is above the threshold, else 0.
  case threshold(Float)
  /// The label with the largest logit.
  case argmax

  /// The labels of an image, at its own size, from logits `[1, height, width, classes]` of the network's input: the part that
  /// shows the image is resized bilinearly (half-pixel centres), then each pixel decides.
  func labels(
    from logits: Tensor, placement: Placement, at resolution: Predictor.Resolution, on backend: any Backend
  ) throws -> LabelMap {
    let classes = logits.shape.channels
    if self != .argmax, classes != 1 { throw PredictionError.notBinary(classes: classes) }
    let content = placement.content
    let size = resolution == .image ? placement.imageSize : placement.networkSize
    let graph = try Graph("postprocessing") { g in
      var x = g.input("logits", logits.shape)
      if resolution == .image {
        x = x.slice(axis: 1, from: content.top, to: content.top + content.height)
          .slice(axis: 2, from: content.left, to: content.left + content.width)
          .resize(to: size)
      }
      g.output("values", self == .argmax ? x.argmax(axis: -1, keepingAxis: false) : x.sigmoid())
    }
    let values = try graph.compiled(on: backend).run(["logits": logits])["values"]!
    let labels: [UInt16]
    switch self {
    case .threshold(let threshold):
      labels = values.withElements(of: Float.self) { values in
        (0..<values.count).map { values[$0] > threshold ? 1 : 0 }
      }
    case .argmax:
      labels = values.withElements(of: Int64.self) { values in (0..<values.count).map { UInt16(values[$0]) } }
    }
    return LabelMap(width: size.width, height: size.height, labels: labels)
  }
}

/// Logits that do not suit what is to be made of them.
public enum PredictionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A threshold needs a network of one logit.
  case notBinary(classes: Int)

  /// One line that says what is wrong.
  public var description: String {
    switch self {
    case .notBinary(let classes): "a threshold is for networks of one logit, not \(classes)"
    }
  }
}
