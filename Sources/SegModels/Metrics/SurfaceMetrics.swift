import SegEngine

/// Surface distances of each class: means over the images in which prediction or truth has the class.
public struct SurfaceMetrics: Sendable, Hashable {
  /// The accumulated distances of one class.
  public struct Entry: Sendable, Hashable {
    /// The number of images in which prediction or truth has the class.
    public fileprivate(set) var imageCount = 0
    fileprivate var averageSum = 0.0
    fileprivate var hausdorffSum = 0.0
    fileprivate var percentileSum = 0.0

    /// The mean of the average symmetric surface distance; `nil` if there are no images.
    public var averageSymmetric: Double? { imageCount == 0 ? nil : averageSum / Double(imageCount) }
    /// The mean of the Hausdorff distance; `nil` if there are no images.
    public var hausdorff: Double? { imageCount == 0 ? nil : hausdorffSum / Double(imageCount) }
    /// The mean of the 95th-percentile Hausdorff distance (HD95); `nil` if there are no images.
    public var hausdorff95: Double? { imageCount == 0 ? nil : percentileSum / Double(imageCount) }

    fileprivate mutating func add(_ average: Double, _ hausdorff: Double, _ percentile: Double) {
      imageCount += 1
      averageSum += average
      hausdorffSum += hausdorff
      percentileSum += percentile
    }
  }

  /// Pixels whose true label is this one are ignored.
  public let ignoreLabel: UInt16?
  /// The distance between neighbouring pixels.
  public let spacing: PixelSpacing
  /// The definition of a boundary pixel.
  public let rule: BoundaryRule
  /// The distance if one mask is empty.
  public let emptyMasks: EmptyMasks
  /// How the percentile combines the two directions.
  public let percentileConvention: SurfaceDistances.PercentileConvention
  /// The accumulated distances of each class.
  public private(set) var entries: [Entry]

  /// Creates empty metrics.
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

  /// Adds one image. Labels outside the classes are skipped.
  ///
  /// - Throws: ``MetricError`` if the sizes differ, or a mask is empty under ``EmptyMasks/refused``; the metrics stay
  ///   unchanged.
  public mutating func add(
    prediction: LabelMap, truth: LabelMap, on workers: WorkerPool = .shared
  ) throws(MetricError) {
    let maps = try ComparedMaps(prediction: prediction, truth: truth, ignoreLabel: ignoreLabel, on: workers)
    try add(maps.boundaries(classes: entries.count, neighbours: rule.neighbours, on: workers), on: workers)
  }

  /// Adds the boundaries of one image. They must have been found with the neighbours of `rule`.
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
      // A class that fills the image has no boundary if the image edge is none.
      guard let figures else { continue }
      added[label].add(figures.average, figures.hausdorff, figures.percentile)
    }
    entries = added
  }

  private typealias Figures = (average: Double, hausdorff: Double, percentile: Double)

  /// The distances of the classes that occur in both maps.
  private func figures(of labels: [Int], _ boundaries: BoundaryPair, on workers: WorkerPool) -> [Figures?] {
    // Two lists for each class: from the prediction, and from the truth.
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

  /// Adds the distances of another value with the same options.
  public mutating func merge(_ other: SurfaceMetrics) {
    precondition(entries.count == other.entries.count, "\(entries.count) and \(other.entries.count) classes")
    for label in entries.indices {
      entries[label].imageCount += other.entries[label].imageCount
      entries[label].averageSum += other.entries[label].averageSum
      entries[label].hausdorffSum += other.entries[label].hausdorffSum
      entries[label].percentileSum += other.entries[label].percentileSum
    }
  }

  /// Adds classes with zero counts, up to `count` classes.
  mutating func extend(to count: Int) { entries += Array(repeating: Entry(), count: count - entries.count) }

  /// Removes all images.
  public mutating func reset() { entries = Array(repeating: Entry(), count: entries.count) }
}
