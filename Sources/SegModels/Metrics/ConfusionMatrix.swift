import SegEngine

/// A confusion matrix over any number of images: pixel counts by true and predicted class.
public struct ConfusionMatrix: Sendable, Hashable {
  /// The number of classes.
  public private(set) var classes: Int
  /// Pixels whose true label is this one are ignored.
  public let ignoreLabel: UInt16?
  /// `counts[truth * classes + prediction]`, in pixels.
  public private(set) var counts: [Int]

  /// Creates a matrix of zeros.
  ///
  /// - Precondition: There is at least one class.
  public init(classes: Int, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel) {
    precondition(classes > 0, "a confusion matrix needs at least one class")
    self.classes = classes
    self.ignoreLabel = ignoreLabel
    counts = Array(repeating: 0, count: classes * classes)
  }

  /// Adds the pixels of one image.
  ///
  /// - Throws: ``MetricError`` if the sizes differ or a label is outside the classes; the matrix stays unchanged.
  public mutating func add(
    prediction: LabelMap, truth: LabelMap, on workers: WorkerPool = .shared
  ) throws(MetricError) {
    try MetricError.requireSameSize(prediction, truth)
    let histogram = LabelPairHistogram(
      truth: truth.labels, prediction: prediction.labels, classes: classes, ignoreLabel: ignoreLabel, on: workers)
    if histogram.holdsUnknownLabels() {
      for (expected, actual) in zip(truth.labels, prediction.labels) where expected != ignoreLabel {
        try MetricError.requireKnown(expected, actual, classes: classes)
      }
    }
    add(histogram, kind: 0)
  }

  /// Adds the pixels of one kind.
  mutating func add(_ histogram: LabelPairHistogram, kind: Int) {
    for expected in 0..<classes {
      for actual in 0..<classes {
        counts[expected * classes + actual] += histogram.count(expected, actual, kind: kind)
      }
    }
  }

  /// Adds the counts of another matrix.
  ///
  /// - Precondition: Both have the same number of classes.
  public mutating func merge(_ other: ConfusionMatrix) {
    precondition(classes == other.classes, "\(classes) and \(other.classes) classes")
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  /// Sets all counts to zero.
  public mutating func reset() { counts = Array(repeating: 0, count: classes * classes) }

  /// Adds classes with zero counts, up to `count` classes.
  ///
  /// - Precondition: `count` is at least the current number of classes.
  mutating func extend(to count: Int) {
    precondition(count >= classes, "cannot reduce \(classes) classes to \(count)")
    var extended = [Int](repeating: 0, count: count * count)
    for row in 0..<classes {
      for column in 0..<classes { extended[row * count + column] = counts[row * classes + column] }
    }
    (classes, counts) = (count, extended)
  }

  /// The number of counted pixels.
  public var pixelCount: Int { counts.reduce(0, +) }

  /// The number of pixels whose true class is `label`.
  public func truthCount(_ label: Int) -> Int { counts[label * classes..<(label + 1) * classes].reduce(0, +) }

  /// The number of pixels whose predicted class is `label`.
  public func predictionCount(_ label: Int) -> Int { (0..<classes).reduce(0) { $0 + counts[$1 * classes + label] } }

  /// The number of pixels of the class that were predicted correctly.
  public func agreementCount(_ label: Int) -> Int { counts[label * classes + label] }

  /// A ratio of one class over all pixels, or `nil` if it is 0 / 0.
  public func value(_ ratio: ClassRatio, of label: Int) -> Double? {
    let both = agreementCount(label)
    let (truth, prediction) = (truthCount(label), predictionCount(label))
    return switch ratio {
    case .iou: ConfusionMatrix.ratio(both, truth + prediction - both)
    case .dice: ConfusionMatrix.ratio(2 * both, truth + prediction)
    case .precision: ConfusionMatrix.ratio(both, prediction)
    case .recall: ConfusionMatrix.ratio(both, truth)
    }
  }

  /// The mean of a ratio over a range of classes, by default all; `nil` if it is undefined for all of them.
  public func mean(
    _ ratio: ClassRatio, over labels: Range<Int>? = nil, undefined: UndefinedRatio = .leftOut
  ) -> Double? {
    let values = (labels ?? 0..<classes).compactMap { label in
      value(ratio, of: label) ?? undefined.value(isPresent: truthCount(label) + predictionCount(label) > 0)
    }
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// IoU of a class over all pixels, |P ∩ T| / |P ∪ T|, or `nil` if the class occurs in neither prediction nor truth.
  public func iou(_ label: Int) -> Double? { value(.iou, of: label) }

  /// Mean IoU: the mean of ``iou(_:)`` over the classes of a range. Classes in neither prediction nor truth are left
  /// out. `nil` if no class occurs.
  public func meanIoU(over labels: Range<Int>? = nil) -> Double? { mean(.iou, over: labels) }

  /// Frequency-weighted IoU, Σ tᵢ · IoUᵢ / Σ tᵢ, where tᵢ is the number of true pixels of class i (Long et al. 2015);
  /// `nil` if nothing was counted.
  public var frequencyWeightedIoU: Double? {
    let total = pixelCount
    guard total > 0 else { return nil }
    return (0..<classes).reduce(0) { $0 + Double(truthCount($1)) * (iou($1) ?? 0) } / Double(total)
  }

  /// The share of pixels with the correct label, or `nil` if nothing was counted.
  public var pixelAccuracy: Double? {
    ConfusionMatrix.ratio((0..<classes).reduce(0) { $0 + agreementCount($1) }, pixelCount)
  }

  /// The mean recall over the classes that occur in the ground truth.
  public var meanClassAccuracy: Double? { mean(.recall) }

  private static func ratio(_ numerator: Int, _ denominator: Int) -> Double? {
    denominator == 0 ? nil : Double(numerator) / Double(denominator)
  }
}
