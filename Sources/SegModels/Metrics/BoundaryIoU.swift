import SegEngine

/// The IoU of the parts of prediction and truth near their own boundaries (Cheng et al., Boundary IoU, 2021).
///
/// Of each class the pixels within d pixels of the boundary are taken, by chessboard distance, the image's edge counting as boundary; d
/// is a share of the image's diagonal, to the nearest whole number and at least 1. Intersections and unions are summed over the
/// images.
public struct BoundaryIoU: Sendable, Hashable {
  /// d as a share of the image's diagonal; 0.02 is the paper's.
  public let diagonalShare: Double
  /// Truth that is left out: what is predicted there belongs to no class.
  public let ignoreLabel: UInt16?
  /// Pixels near both boundaries, by class.
  public private(set) var intersections: [Int]
  /// Pixels near either boundary, by class.
  public private(set) var unions: [Int]

  /// Makes counts of no images.
  public init(
    classes: Int, diagonalShare: Double = 0.02, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel
  ) {
    self.diagonalShare = diagonalShare
    self.ignoreLabel = ignoreLabel
    intersections = Array(repeating: 0, count: classes)
    unions = intersections
  }

  /// d of an image.
  public func bandWidth(height: Int, width: Int) -> Int {
    max(1, Int((diagonalShare * Double(height * height + width * width).squareRoot()).rounded(.toNearestOrEven)))
  }

  /// Adds one image. Labels that are no class are passed over.
  ///
  /// - Throws: ``MetricError`` where the sizes differ.
  public mutating func add(prediction: LabelMap, truth: LabelMap) throws(MetricError) {
    try MetricError.requireSameSize(prediction, truth)
    let width = bandWidth(height: truth.height, width: truth.width)
    let pairs = ClassMaskPairs(prediction, truth, classes: unions.count, ignoreLabel: ignoreLabel)
    for label in unions.indices {
      guard let pair = pairs[label] else { continue }
      let (predicted, expected) = (pair.prediction.band(width: width), pair.truth.band(width: width))
      for (isPredicted, isExpected) in zip(predicted.isSet, expected.isSet) {
        if isPredicted && isExpected { intersections[label] += 1 }
        if isPredicted || isExpected { unions[label] += 1 }
      }
    }
  }

  /// The boundary IoU of a class, or `nil` where it does not occur.
  public func value(of label: Int) -> Double? {
    unions[label] == 0 ? nil : Double(intersections[label]) / Double(unions[label])
  }

  /// Adds what others have counted under the same conventions.
  public mutating func merge(_ other: BoundaryIoU) {
    precondition(unions.count == other.unions.count, "\(unions.count) and \(other.unions.count) classes")
    for label in unions.indices {
      intersections[label] += other.intersections[label]
      unions[label] += other.unions[label]
    }
  }

  /// Forgets all images.
  public mutating func reset() {
    intersections = Array(repeating: 0, count: intersections.count)
    unions = intersections
  }
}
