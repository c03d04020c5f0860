import SegEngine

/// A network design with its estimated cost.
public struct RatedDesign: Sendable {
  /// The design.
  public let design: NetworkDesign
  /// The estimated time and memory.
  public let estimate: LatencyEstimate
  /// The number of trainable values, without batch statistics.
  public let parameterCount: Int
  /// The height of the receptive field of the encoder's coarsest map, in pixels; `nil` for the whole image.
  public let receptiveField: Int?

  /// The objectives of the Pareto front, all to be minimised: time, memory, and ``merits``.
  public var objectives: [Double] { [estimate.seconds, Double(estimate.peakResidentByteCount)] + merits }

  /// Proxies of accuracy, all to be minimised: parameters, receptive field (up to the image), stride of the coarsest
  /// map, and input pixels, negated where larger is better.
  public var merits: [Double] {
    let size = design.size
    return [
      -Double(parameterCount), -Double(min(receptiveField ?? size.height, size.height)), Double(design.outputStride),
      -Double(size.height * size.width),
    ]
  }
}
