import SegEngine

/// How often each class was predicted where each class is true, over any number of images.
public struct ConfusionMatrix: Sendable, Hashable {
  /// Number of classes.
  public private(set) var classes: Int
  /// Truth that counts for nothing, in any class's numerator or denominator.
  public let ignoreLabel: UInt16?
  /// `counts[truth * classes + prediction]`, in pixels.
  public private(set) var counts: [Int]

  /// Makes an empty matrix.
  ///
  /// - Precondition: there is at least one class.
  public init(classes: Int, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel) {
    precondition(classes > 0, "a confusion matrix has classes")
    self.classes = classes
    self.ignoreLabel = ignoreLabel
    counts = Array(repeating: 0, count: classes * classes)
  }

  /// Adds the pixels of one image.
  ///
  /// - Throws: ``MetricError`` where the sizes differ or a label is no class; the matrix is left as it was.
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

  /// Adds the pixels of a kind.
  mutating func add(_ histogram: LabelPairHistogram, kind: Int) {
    for expected in 0..<classes {
      for actual in 0..<classes {
        counts[expected * classes + actual] += histogram.count(expected, actual, kind: kind)
      }
    }
  }

  /// Adds what another matrix of the same classes has counted.
  ///
  /// - Precondition: both have the same number of classes.
  public mutating func merge(_ other: ConfusionMatrix) {
    precondition(classes == other.classes, "\(classes) and \(other.classes) classes")
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  /// Forgets all pixels.
  public mutating func reset() { counts = Array(repeating: 0, count: classes * classes) }

  /// Makes room for further classes, of which nothing has been counted.
  ///
  /// - Precondition: there are not more classes already.
  mutating func extend(to count: Int) {
    precondition(count >= classes, "\(classes) classes are more than \(count)")
    var extended = [Int](repeating: 0, count: count * count)
    for row in 0..<classes {
      for column in 0..<classes { extended[row * count + column] = counts[row * classes + column] }
    }
    (classes, counts) = (count, extended)
  }

  /// Pixels that were counted.
  public var pixelCount: Int { counts.reduce(0, +) }

  /// Pixels whose true class is `label`.
  public func truthCount(_ label: Int) -> Int { counts[label * classes..<(label + 1) * classes].reduce(0, +) }

  /// Pixels whose predicted class is `label`.
  public func predictionCount(_ label: Int) -> Int { (0..<classes).reduce(0) { $0 + counts[$1 * classes + label] } }

  /// Pixels of the class that were predicted as it.
  public func agreementCount(_ label: Int) -> Int { counts[label * classes + label] }

  /// A ratio of one class over all pixels, or `nil` where it is 0 / 0.
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

  /// The mean of a ratio over the classes of a range, by default all; `nil` where it is defined for none.
  public func mean(
    _ ratio: ClassRatio, over labels: Range<Int>? = nil, undefined: UndefinedRatio = .leftOut
  ) -> Double? {
    let values = (labels ?? 0..<classes).compactMap { label in
      value(ratio, of: label) ?? undefined.value(isPresent: truthCount(label) + predictionCount(label) > 0)
    }
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// |P ∩ T| / |P ∪ T| of a class over all pixels, or `nil` where it occurs in neither.
  public func iou(_ label: Int) -> Double? { value(.iou, of: label) }

  /// The mean of ``iou(_:)`` over the classes of a range that occur; classes in neither prediction nor truth are left out. `nil`
  /// where none occurs.
  public func meanIoU(over labels: Range<Int>? = nil) -> Double? { mean(.iou, over: labels) }

  /// Σ tᵢ · IoUᵢ / Σ tᵢ with the true pixels tᵢ of each class (Long et al. 2015), or `nil` where nothing was counted.
  public var frequencyWeightedIoU: Double? {
    let total = pixelCount
    guard total > 0 else { return nil }
    return (0..<classes).reduce(0) { $0 + Double(truthCount($1)) * (iou($1) ?? 0) } / Double(total)
  }

  /// The share of pixels with the right label, or `nil` where nothing was counted.
  public var pixelAccuracy: Double? {
    ConfusionMatrix.ratio((0..<classes).reduce(0) { $0 + agreementCount($1) }, pixelCount)
  }

  /// The mean over the classes that occur in the truth of the share of their pixels with the right label.
  public var meanClassAccuracy: Double? { mean(.recall) }

  private static func ratio(_ numerator: Int, _ denominator: Int) -> Double? {
    denominator == 0 ? nil : Double(numerator) / Double(denominator)
  }
}

/// Ratios of counts of pixels that a class has: P are the pixels predicted as it, T those where it is true.
public enum ClassRatio: String, Sendable, Hashable, CaseIterable {
  /// |P ∩ T| / |P ∪ T|, the Jaccard index.
  case iou
  /// 2 |P ∩ T| / (|P| + |T|), which is F₁.
  case dice
  /// |P ∩ T| / |P|.
  case precision
  /// |P ∩ T| / |T|, the accuracy of the class.
  case recall
}

/// What a ratio that is 0 / 0 counts in a mean over classes.
public enum UndefinedRatio: Sendable, Hashable, CaseIterable {
  /// Nothing: the mean is over the others. The default everywhere.
  case leftOut
  /// 0.
  case zero
  /// 1.
  case one
  /// 0 where the class occurs in prediction or truth (the precision of a class that is never predicted), else nothing, as
  /// torchmetrics does.
  case zeroWherePresent

  /// What counts, or `nil` for nothing.
  func value(isPresent: Bool) -> Double? {
    switch self {
    case .leftOut: nil
    case .zero: 0
    case .one: 1
    case .zeroWherePresent: isPresent ? 0 : nil
    }
  }
}
