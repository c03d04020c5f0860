import SegEngine

/// The boundary F₁ of each class (Csurka et al., What is a good evaluation measure for semantic segmentation?, 2013).
///
/// Precision is the share of predicted boundary pixels within the tolerance of a true boundary pixel. Recall is the
/// share of true boundary pixels within the tolerance of a predicted one. If only the prediction or only the truth has
/// a boundary of the class, F₁ is 0. An image without a boundary of the class in either is not counted for it.
public struct BoundaryF1: Sendable, Hashable {
  /// How the images of a data set are combined.
  public enum Averaging: Sendable, Hashable, CaseIterable {
    /// The mean of F₁ over the images in which the class has a boundary (Csurka et al.). The default.
    case images
    /// Precision and recall over the boundary pixels of all images together.
    case pixels
  }

  /// The accumulated counts of one class.
  public struct Entry: Sendable, Hashable {
    /// The number of images in which prediction or truth has a boundary of the class.
    public fileprivate(set) var imageCount = 0
    fileprivate var scoreSum = 0.0
    fileprivate var precisionSum = 0.0
    fileprivate var recallSum = 0.0
    fileprivate var matchedPrediction = 0
    fileprivate var predictionCount = 0
    fileprivate var matchedTruth = 0
    fileprivate var truthCount = 0
  }

  /// The largest distance at which boundary pixels match.
  public let tolerance: BoundaryTolerance
  /// The definition of a boundary pixel.
  public let rule: BoundaryRule
  /// Pixels whose true label is this one are ignored.
  public let ignoreLabel: UInt16?
  /// How images are combined.
  public let averaging: Averaging
  /// The counts of each class.
  public private(set) var entries: [Entry]

  /// Creates empty counts.
  public init(
    classes: Int, tolerance: BoundaryTolerance = .diagonalShare(0.0075), rule: BoundaryRule = .within,
    averaging: Averaging = .images, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel
  ) {
    self.tolerance = tolerance
    self.rule = rule
    self.averaging = averaging
    self.ignoreLabel = ignoreLabel
    entries = Array(repeating: Entry(), count: classes)
  }

  /// Adds one image. Labels outside the classes are skipped.
  ///
  /// - Throws: ``MetricError`` if the sizes differ.
  public mutating func add(
    prediction: LabelMap, truth: LabelMap, on workers: WorkerPool = .shared
  ) throws(MetricError) {
    let maps = try ComparedMaps(prediction: prediction, truth: truth, ignoreLabel: ignoreLabel, on: workers)
    add(maps.boundaries(classes: entries.count, neighbours: rule.neighbours, on: workers), on: workers)
  }

  /// Adds the boundaries of one image. They must have been found with the neighbours of `rule`.
  mutating func add(_ boundaries: BoundaryPair, on workers: WorkerPool) {
    let limit = tolerance.pixels(height: boundaries.height, width: boundaries.width)
    let bound = BoundaryF1.squaredBound(of: limit)
    let countsEdges = rule.imageEdgeIsOutside
    /// The number of pixels of a boundary (`all`), and how many of them match the other boundary.
    typealias Counts = (matched: Int, all: Int)
    let labels = entries.indices.filter { boundaries.concerns($0) }
    var counts = [Counts](repeating: (0, 0), count: 2 * labels.count)
    counts.withUnsafeMutableBufferPointer { counts in
      workers.forEach(counts.count) { task, _ in
        let (label, isPrediction) = (labels[task / 2], task % 2 == 0)
        let (own, other) =
          isPrediction ? (boundaries.prediction, boundaries.truth) : (boundaries.truth, boundaries.prediction)
        own.withPixels(of: label) { queries in
          other.withPixels(of: label) { targets in
            var nearest = NearestPixels(
              targets, countsEdges: countsEdges, width: boundaries.width, spacing: .unit)
            nearest.forEachSquaredDistance(from: queries, below: bound, isSatisfiedByAny: true) { squared in
              counts[task].all += 1
              if squared < bound { counts[task].matched += 1 }
            }
          }
        }
      }
    }
    for (index, label) in labels.enumerated() {
      let (predicted, expected) = (counts[2 * index], counts[2 * index + 1])
      guard predicted.all + expected.all > 0 else { continue }
      let precision = BoundaryF1.share(predicted.matched, of: predicted.all)
      let recall = BoundaryF1.share(expected.matched, of: expected.all)
      entries[label].imageCount += 1
      entries[label].scoreSum += BoundaryF1.harmonicMean(precision, recall)
      entries[label].precisionSum += precision
      entries[label].recallSum += recall
      entries[label].matchedPrediction += predicted.matched
      entries[label].predictionCount += predicted.all
      entries[label].matchedTruth += expected.matched
      entries[label].truthCount += expected.all
    }
  }

  /// The smallest integer greater than every squared distance up to a limit.
  private static func squaredBound(of limit: Double) -> Double {
    guard limit >= 0 else { return 0 }
    guard limit < 1e8 else { return .infinity }
    var bound = (limit * limit).rounded(.down) + 2
    while bound > 0, (bound - 1).squareRoot() > limit { bound -= 1 }
    return bound
  }

  /// The boundary precision of a class, or `nil` if it has no boundary in any image.
  public func precision(_ label: Int) -> Double? {
    let entry = entries[label]
    guard entry.imageCount > 0 else { return nil }
    return averaging == .images
      ? entry.precisionSum / Double(entry.imageCount)
      : BoundaryF1.share(entry.matchedPrediction, of: entry.predictionCount)
  }

  /// The boundary recall of a class, or `nil` if it has no boundary in any image.
  public func recall(_ label: Int) -> Double? {
    let entry = entries[label]
    guard entry.imageCount > 0 else { return nil }
    return averaging == .images
      ? entry.recallSum / Double(entry.imageCount) : BoundaryF1.share(entry.matchedTruth, of: entry.truthCount)
  }

  /// The boundary F₁ of a class, or `nil` if it has no boundary in any image.
  public func value(of label: Int) -> Double? {
    let entry = entries[label]
    guard entry.imageCount > 0 else { return nil }
    guard averaging == .pixels else { return entry.scoreSum / Double(entry.imageCount) }
    return BoundaryF1.harmonicMean(
      BoundaryF1.share(entry.matchedPrediction, of: entry.predictionCount),
      BoundaryF1.share(entry.matchedTruth, of: entry.truthCount))
  }

  /// Adds the counts of another value with the same options.
  public mutating func merge(_ other: BoundaryF1) {
    precondition(entries.count == other.entries.count, "\(entries.count) and \(other.entries.count) classes")
    for label in entries.indices {
      let entry = other.entries[label]
      entries[label].imageCount += entry.imageCount
      entries[label].scoreSum += entry.scoreSum
      entries[label].precisionSum += entry.precisionSum
      entries[label].recallSum += entry.recallSum
      entries[label].matchedPrediction += entry.matchedPrediction
      entries[label].predictionCount += entry.predictionCount
      entries[label].matchedTruth += entry.matchedTruth
      entries[label].truthCount += entry.truthCount
    }
  }

  /// Adds classes with zero counts, up to `count` classes.
  mutating func extend(to count: Int) { entries += Array(repeating: Entry(), count: count - entries.count) }

  /// Sets all counts to zero.
  public mutating func reset() { entries = Array(repeating: Entry(), count: entries.count) }

  private static func share(_ part: Int, of whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }

  private static func harmonicMean(_ a: Double, _ b: Double) -> Double { a + b == 0 ? 0 : 2 * a * b / (a + b) }
}
