import SegEngine

/// How often each class was predicted where each class is true, over any number of images.
public struct ConfusionMatrix: Sendable, Hashable {
  /// Number of classes.
  public let classes: Int
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
  /// - Throws: ``MetricError`` where the sizes differ or a label is no class.
  public mutating func add(prediction: LabelMap, truth: LabelMap) throws(MetricError) {
    guard prediction.width == truth.width, prediction.height == truth.height else {
      throw .sizesDiffer(
        prediction: Extent2D(prediction.height, prediction.width), truth: Extent2D(truth.height, truth.width))
    }
    var added = counts
    for index in truth.labels.indices {
      let (expected, actual) = (truth.labels[index], prediction.labels[index])
      if expected == ignoreLabel { continue }
      guard expected < classes else { throw .unknownLabel(expected, classes: classes, isTruth: true) }
      guard actual < classes else { throw .unknownLabel(actual, classes: classes, isTruth: false) }
      added[Int(expected) * classes + Int(actual)] += 1
    }
    counts = added
  }

  /// Adds what another matrix of the same classes has counted.
  ///
  /// - Precondition: both have the same number of classes.
  public mutating func merge(_ other: ConfusionMatrix) {
    precondition(classes == other.classes, "\(classes) and \(other.classes) classes")
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  /// |P ∩ T| / |P ∪ T| of a class over all pixels, or `nil` where it occurs in neither.
  public func iou(_ label: Int) -> Double? {
    let intersection = counts[label * classes + label]
    let truth = counts[label * classes..<(label + 1) * classes].reduce(0, +)
    let prediction = (0..<classes).reduce(0) { $0 + counts[$1 * classes + label] }
    let union = truth + prediction - intersection
    return union == 0 ? nil : Double(intersection) / Double(union)
  }

  /// The mean of ``iou(_:)`` over the classes of a range that occur; classes in neither prediction nor truth are left out. `nil`
  /// where none occurs.
  public func meanIoU(over labels: Range<Int>? = nil) -> Double? {
    let values = (labels ?? 0..<classes).compactMap(iou)
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// The share of pixels with the right label, or `nil` where nothing was counted.
  public var pixelAccuracy: Double? {
    let total = counts.reduce(0, +)
    let right = (0..<classes).reduce(0) { $0 + counts[$1 * classes + $1] }
    return total == 0 ? nil : Double(right) / Double(total)
  }
}

/// Labels that cannot be compared.
public enum MetricError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Prediction and truth have different sizes.
  case sizesDiffer(prediction: Extent2D, truth: Extent2D)
  /// A label outside the classes, which is not the ignored one.
  case unknownLabel(UInt16, classes: Int, isTruth: Bool)

  /// One line that says what is wrong.
  public var description: String {
    switch self {
    case .sizesDiffer(let prediction, let truth):
      "the prediction has \(prediction.height)×\(prediction.width) pixels, the mask \(truth.height)×\(truth.width)"
    case .unknownLabel(let label, let classes, let isTruth):
      "\(isTruth ? "the mask" : "the prediction") holds label \(label), outside the classes 0 to \(classes - 1)"
    }
  }
}
