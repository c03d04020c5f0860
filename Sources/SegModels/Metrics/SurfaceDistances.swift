import SegEngine

/// The surface distances between two masks, in both directions.
public struct SurfaceDistances: Sendable {
  /// The distance from each boundary pixel of the prediction to the nearest one of the truth.
  public let fromPrediction: [Double]
  /// The distance from each boundary pixel of the truth to the nearest one of the prediction.
  public let fromTruth: [Double]

  /// Computes the distances between two masks. If only one mask is empty, the distances from the other are infinite.
  ///
  /// - Parameters:
  ///   - prediction: The predicted mask.
  ///   - truth: The true mask.
  ///   - spacing: The distance between neighbouring pixels, and the unit of the result.
  ///   - rule: The definition of a boundary pixel.
  ///   - unknown: Pixels of unknown class: they are no boundary and do not make their neighbours boundary pixels.
  ///   - workers: The threads to run on.
  /// - Throws: ``MetricError/sizesDiffer(prediction:truth:)``.
  public init(
    prediction: BinaryMask, truth: BinaryMask, spacing: PixelSpacing = .unit, rule: BoundaryRule = .closed,
    unknown: BinaryMask? = nil, on workers: WorkerPool = .shared
  ) throws(MetricError) {
    try MetricError.requireSameSize(prediction.extent, truth.extent)
    let predicted = prediction.boundary(rule, unknown: unknown)
    let expected = truth.boundary(rule, unknown: unknown)
    let boundaries = [predicted.boundaryPixels, expected.boundaryPixels]
    var distances: [[Double]] = [[], []]
    distances.withUnsafeMutableBufferPointer { distances in
      workers.forEach(2) { task, _ in
        distances[task] = boundaries[task].withUnsafeBufferPointer { queries in
          boundaries[1 - task].withUnsafeBufferPointer { targets in
            var (nearest, result) = (
              NearestPixels(targets, countsEdges: true, width: truth.width, spacing: spacing), [Double]()
            )
            nearest.forEachSquaredDistance(from: queries) { result.append($0.squareRoot()) }
            return result
          }
        }
      }
    }
    fromPrediction = distances[0]
    fromTruth = distances[1]
  }

  /// Whether exactly one of the masks has a boundary.
  public var isOneSided: Bool { fromPrediction.isEmpty != fromTruth.isEmpty }

  /// Whether neither mask has a boundary.
  public var isEmpty: Bool { fromPrediction.isEmpty && fromTruth.isEmpty }

  /// The average symmetric surface distance: the mean over both lists together; `nil` if both are empty.
  public var averageSymmetric: Double? {
    isEmpty
      ? nil
      : (fromPrediction.reduce(0, +) + fromTruth.reduce(0, +)) / Double(fromPrediction.count + fromTruth.count)
  }

  /// The Hausdorff distance: the maximum of both lists; `nil` if both are empty.
  public var hausdorff: Double? { [fromPrediction.max(), fromTruth.max()].compactMap { $0 }.max() }

  /// How a percentile combines the two directions.
  public enum PercentileConvention: Sendable, Hashable, CaseIterable {
    /// The larger of the percentiles of the two directions (MONAI).
    case largerOfDirections
    /// The percentile of both lists together (MedPy).
    case pooled
  }

  /// A percentile of the distances, with linear interpolation between the two nearest ranks; 95 gives HD95. `nil` if
  /// both lists are empty.
  ///
  /// - Precondition: `percent` is 0 to 100.
  public func percentile(_ percent: Double, convention: PercentileConvention = .largerOfDirections) -> Double? {
    precondition((0...100).contains(percent), "a percentile must be 0 to 100, not \(percent)")
    let lists = convention == .pooled ? [fromPrediction + fromTruth] : [fromPrediction, fromTruth]
    return lists.compactMap { list in
      var list = list
      return list.withUnsafeMutableBufferPointer { $0.percentile(percent) }
    }.max()
  }
}

extension BinaryMask {
  /// The pixels of the mask, as boundary pixels.
  fileprivate var boundaryPixels: [BoundaryPixel] {
    isSet.indices.filter { isSet[$0] }.map {
      BoundaryPixel(row: Int32($0 / width), column: Int32($0 % width), hasNeighbourOutside: true)
    }
  }
}
