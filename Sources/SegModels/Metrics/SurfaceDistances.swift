import SegEngine

/// The distances between the boundaries of two masks, in both directions.
public struct SurfaceDistances: Sendable {
  /// From each boundary pixel of the prediction to the nearest one of the truth.
  public let fromPrediction: [Double]
  /// From each boundary pixel of the truth to the nearest one of the prediction.
  public let fromTruth: [Double]

  /// Measures the distances between two masks. Either list is of infinities where only the other mask is empty.
  ///
  /// - Parameters:
  ///   - prediction: The predicted mask.
  ///   - truth: The true mask.
  ///   - spacing: How far apart pixels are; the distances are in its unit.
  ///   - rule: Which pixels are boundary.
  ///   - unknown: Pixels that are left out: they make no boundary and are part of none.
  ///   - workers: The threads.
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

  /// Whether one of the masks has no boundary and the other has.
  public var isOneSided: Bool { fromPrediction.isEmpty != fromTruth.isEmpty }

  /// Whether there is nothing to measure.
  public var isEmpty: Bool { fromPrediction.isEmpty && fromTruth.isEmpty }

  /// The average symmetric surface distance: the mean over both lists together; `nil` where both are empty.
  public var averageSymmetric: Double? {
    isEmpty
      ? nil
      : (fromPrediction.reduce(0, +) + fromTruth.reduce(0, +)) / Double(fromPrediction.count + fromTruth.count)
  }

  /// The Hausdorff distance: the largest of all; `nil` where both lists are empty.
  public var hausdorff: Double? { [fromPrediction.max(), fromTruth.max()].compactMap { $0 }.max() }

  /// How a percentile joins the two directions.
  public enum PercentileConvention: Sendable, Hashable, CaseIterable {
    /// The larger of the two directions' percentiles (MONAI).
    case largerOfDirections
    /// The percentile of both lists together (MedPy).
    case pooled
  }

  /// A percentile of the distances instead of their largest, interpolated linearly between two of them; 95 gives what is called
  /// HD95. `nil` where both lists are empty.
  ///
  /// - Precondition: `percent` is 0 to 100.
  public func percentile(_ percent: Double, convention: PercentileConvention = .largerOfDirections) -> Double? {
    precondition((0...100).contains(percent), "a percentile is 0 to 100, not \(percent)")
    let lists = convention == .pooled ? [fromPrediction + fromTruth] : [fromPrediction, fromTruth]
    return lists.compactMap { list in
      var list = list
      return list.withUnsafeMutableBufferPointer { $0.percentile(percent) }
    }.max()
  }
}

/// What a surface distance is where one of the masks is empty. Where both are, nothing is measured.
public enum EmptyMasks: Sendable, Hashable, CaseIterable {
  /// An error.
  case refused
  /// Infinity; a mean that holds it is infinite. The default.
  case infinite
  /// The diagonal of the image, in the unit of the spacing: the worst that there could be.
  case imageDiagonal
}

/// Surface distances of each class, each the mean over the images in which prediction or truth has the class.
public struct SurfaceMetrics: Sendable, Hashable {
  /// One class over all images.
  public struct Entry: Sendable, Hashable {
    /// Images in which prediction or truth has the class.
    public fileprivate(set) var imageCount = 0
    fileprivate var averageSum = 0.0
    fileprivate var hausdorffSum = 0.0
    fileprivate var percentileSum = 0.0

    /// The mean of the average symmetric surface distance; `nil` where there are no images.
    public var averageSymmetric: Double? { imageCount == 0 ? nil : averageSum / Double(imageCount) }
    /// The mean of the Hausdorff distance; `nil` where there are no images.
    public var hausdorff: Double? { imageCount == 0 ? nil : hausdorffSum / Double(imageCount) }
    /// The mean of the 95 % Hausdorff distance; `nil` where there are no images.
    public var hausdorff95: Double? { imageCount == 0 ? nil : percentileSum / Double(imageCount) }

    fileprivate mutating func add(_ average: Double, _ hausdorff: Double, _ percentile: Double) {
      imageCount += 1
      averageSum += average
      hausdorffSum += hausdorff
      percentileSum += percentile
    }
  }

  /// Truth that is left out.
  public let ignoreLabel: UInt16?
  /// How far apart pixels are.
  public let spacing: PixelSpacing
  /// Which pixels are boundary.
  public let rule: BoundaryRule
  /// What counts where one mask is empty.
  public let emptyMasks: EmptyMasks
  /// How the percentile joins the two directions.
  public let percentileConvention: SurfaceDistances.PercentileConvention
  /// The classes' figures.
  public private(set) var entries: [Entry]

  /// Makes figures of no images.
  public init(
    classes: Int, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel, spacing: PixelSpacing = .unit,
    rule: BoundaryRule = .closed, emptyMasks: EmptyMasks = .infinite,
    percentileConvention: SurfaceDistances.PercentileConvention = .largerOfDirections
  ) {
    self.ignoreLabel = ignoreLabel
    self.spacing = spacing
    self.rule = rule
    self.emptyMasks = emptyMasks
    self.percentileConvention = percentileConvention
    entries = Array(repeating: Entry(), count: classes)
  }

  /// Adds one image. Labels that are no class are passed over.
  ///
  /// - Throws: ``MetricError`` where the sizes differ, or a mask is empty that must not be; the figures are left as they were.
  public mutating func add(
    prediction: LabelMap, truth: LabelMap, on workers: WorkerPool = .shared
  ) throws(MetricError) {
    let maps = try ComparedMaps(prediction: prediction, truth: truth, ignoreLabel: ignoreLabel, on: workers)
    try add(maps.boundaries(classes: entries.count, neighbours: rule.neighbours, on: workers), on: workers)
  }

  /// Adds the boundaries of one image, which were found among the same neighbours.
  mutating func add(_ boundaries: BoundaryPair, on workers: WorkerPool) throws(MetricError) {
    var added = entries
    let labels = entries.indices.filter { boundaries.concerns($0) }
    for label in labels {
      let (isPredicted, isTrue) = (boundaries.prediction.isPresent[label], boundaries.truth.isPresent[label])
      guard isPredicted != isTrue else { continue }
      let value: Double
      switch emptyMasks {
      case .refused: throw .emptyMask(isTruth: isPredicted)
      case .infinite: value = .infinity
      case .imageDiagonal:
        let (height, width) = (
          Double(boundaries.height) * spacing.vertical, Double(boundaries.width) * spacing.horizontal
        )
        value = (height * height + width * width).squareRoot()
      }
      added[label].add(value, value, value)
    }
    let both = labels.filter { boundaries.prediction.isPresent[$0] && boundaries.truth.isPresent[$0] }
    for (label, figures) in zip(both, figures(of: both, boundaries, on: workers)) {
      // Without a boundary (the class fills the image, and its edge is none) there is nothing to measure.
      guard let figures else { continue }
      added[label].add(figures.average, figures.hausdorff, figures.percentile)
    }
    entries = added
  }

  private typealias Figures = (average: Double, hausdorff: Double, percentile: Double)

  /// The figures of classes that both maps have.
  private func figures(of labels: [Int], _ boundaries: BoundaryPair, on workers: WorkerPool) -> [Figures?] {
    // The distances of each class, those from the prediction and those from the truth.
    var distances = [[Double]](repeating: [], count: 2 * labels.count)
    var figures = [Figures?](repeating: nil, count: labels.count)
    distances.withUnsafeMutableBufferPointer { distances in
      workers.forEach(distances.count) { task, _ in
        let (label, isPrediction) = (labels[task / 2], task % 2 == 0)
        let (own, other) =
          isPrediction ? (boundaries.prediction, boundaries.truth) : (boundaries.truth, boundaries.prediction)
        var result: [Double] = []
        result.reserveCapacity(own.count(of: label))
        own.withPixels(of: label) { queries in
          other.withPixels(of: label) { targets in
            var nearest = NearestPixels(
              targets, countsEdges: rule.imageEdgeIsOutside, width: boundaries.width, spacing: spacing)
            nearest.forEachSquaredDistance(from: queries) { result.append($0.squareRoot()) }
          }
        }
        distances[task] = result
      }
      figures.withUnsafeMutableBufferPointer { figures in
        workers.forEach(figures.count) { index, _ in
          var lists = [distances[2 * index], distances[2 * index + 1]]
          distances[2 * index] = []
          distances[2 * index + 1] = []
          let count = lists[0].count + lists[1].count
          guard count > 0, let hausdorff = lists.compactMap({ $0.max() }).max() else { return }
          let average = (lists[0].reduce(0, +) + lists[1].reduce(0, +)) / Double(count)
          if percentileConvention == .pooled { lists = [lists[0] + lists[1]] }
          let percentiles = lists.indices.compactMap { list in
            lists[list].withUnsafeMutableBufferPointer { $0.percentile(95) }
          }
          guard let percentile = percentiles.max() else { return }
          figures[index] = (average, hausdorff, percentile)
        }
      }
    }
    return figures
  }

  /// Adds what others have measured under the same conventions.
  public mutating func merge(_ other: SurfaceMetrics) {
    precondition(entries.count == other.entries.count, "\(entries.count) and \(other.entries.count) classes")
    for label in entries.indices {
      entries[label].imageCount += other.entries[label].imageCount
      entries[label].averageSum += other.entries[label].averageSum
      entries[label].hausdorffSum += other.entries[label].hausdorffSum
      entries[label].percentileSum += other.entries[label].percentileSum
    }
  }

  /// Makes room for further classes, which no image had.
  mutating func extend(to count: Int) { entries += Array(repeating: Entry(), count: count - entries.count) }

  /// Forgets all images.
  public mutating func reset() { entries = Array(repeating: Entry(), count: entries.count) }
}

extension BinaryMask {
  /// The pixels of a mask that holds a boundary.
  fileprivate var boundaryPixels: [BoundaryPixel] {
    isSet.indices.filter { isSet[$0] }.map {
      BoundaryPixel(row: Int32($0 / width), column: Int32($0 % width), hasNeighbourOutside: true)
    }
  }
}
