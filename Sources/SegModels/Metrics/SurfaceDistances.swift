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
    func distances(from: BinaryMask, to: BinaryMask) -> [Double] {
      guard !from.isEmpty else { return [] }
      let all = DistanceTransform.distances(to: to, spacing: spacing, on: workers)
      return zip(from.isSet, all).compactMap { $0 ? $1 : nil }
    }
    fromPrediction = distances(from: predicted, to: expected)
    fromTruth = distances(from: expected, to: predicted)
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
    return lists.compactMap { SurfaceDistances.percentile(percent, of: $0) }.max()
  }

  private static func percentile(_ percent: Double, of values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let position = percent / 100 * Double(sorted.count - 1)
    let lower = Int(position)
    let upper = min(lower + 1, sorted.count - 1)
    // Without a difference, which would be NaN of two infinities.
    if position == Double(lower) || sorted[lower] == sorted[upper] { return sorted[lower] }
    return sorted[lower] + (position - Double(lower)) * (sorted[upper] - sorted[lower])
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
    try MetricError.requireSameSize(prediction, truth)
    var added = entries
    let pairs = ClassMaskPairs(prediction, truth, classes: entries.count, ignoreLabel: ignoreLabel)
    for label in entries.indices {
      guard let pair = pairs[label] else { continue }
      let (predictionIsEmpty, truthIsEmpty) = (pair.prediction.isEmpty, pair.truth.isEmpty)
      if predictionIsEmpty != truthIsEmpty {
        let value: Double
        switch emptyMasks {
        case .refused: throw .emptyMask(isTruth: truthIsEmpty)
        case .infinite: value = .infinity
        case .imageDiagonal:
          let (height, width) = (Double(truth.height) * spacing.vertical, Double(truth.width) * spacing.horizontal)
          value = (height * height + width * width).squareRoot()
        }
        added[label].add(value, value, value)
        continue
      }
      let distances = try SurfaceDistances(
        prediction: pair.prediction, truth: pair.truth, spacing: spacing, rule: rule, unknown: pair.unknown, on: workers
      )
      // Without a boundary (the class fills the image, and its edge is none) there is nothing to measure.
      guard let average = distances.averageSymmetric, let hausdorff = distances.hausdorff,
        let percentile = distances.percentile(95, convention: percentileConvention)
      else { continue }
      added[label].add(average, hausdorff, percentile)
    }
    entries = added
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

  /// Forgets all images.
  public mutating func reset() { entries = Array(repeating: Entry(), count: entries.count) }
}

/// The masks of each class of an image, cut out where the class is.
struct ClassMaskPairs {
  struct Pair {
    /// The pixels predicted as the class, those where it is true, and those that are left out.
    let prediction, truth: BinaryMask
    let unknown: BinaryMask?
  }

  private let prediction, truth: LabelMap
  private let ignoreLabel: UInt16?
  private let boxes: [PixelBox?]

  init(_ prediction: LabelMap, _ truth: LabelMap, classes: Int, ignoreLabel: UInt16?) {
    self.prediction = prediction.hidden(where: truth, is: ignoreLabel)
    self.truth = truth
    self.ignoreLabel = ignoreLabel.flatMap { truth.labels.contains($0) ? $0 : nil }
    boxes = PixelBox.ofClasses(classes, in: self.prediction, truth)
  }

  /// The masks of a class, or `nil` where it is the ignored one or occurs in neither map.
  subscript(label: Int) -> Pair? {
    let name = UInt16(label)
    guard name != ignoreLabel, let box = boxes[label] else { return nil }
    return Pair(
      prediction: BinaryMask(prediction, label: name, in: box), truth: BinaryMask(truth, label: name, in: box),
      unknown: ignoreLabel.map { BinaryMask(truth, label: $0, in: box) })
  }
}
