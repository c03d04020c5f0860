import SegEngine

/// The class boundaries of a prediction and of its ground truth.
struct BoundaryPair {
  let prediction, truth: ClassBoundaries
  let height, width: Int
  let ignoreLabel: UInt16?

  /// Whether a class occurs in either map and is not the ignore label.
  func concerns(_ label: Int) -> Bool {
    UInt16(label) != ignoreLabel && (prediction.isPresent[label] || truth.isPresent[label])
  }
}
