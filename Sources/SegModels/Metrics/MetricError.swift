import SegEngine

/// Labels or masks that cannot be compared.
public enum MetricError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The sizes of prediction and truth differ.
  case sizesDiffer(prediction: Extent2D, truth: Extent2D)
  /// A label that is neither a class nor the ignore label.
  case unknownLabel(UInt16, classes: Int, isTruth: Bool)
  /// A distance to an empty mask, under ``EmptyMasks/refused``.
  case emptyMask(isTruth: Bool)

  /// The error in one line.
  public var description: String {
    switch self {
    case .sizesDiffer(let prediction, let truth):
      "the prediction has \(prediction.height)×\(prediction.width) pixels, the mask \(truth.height)×\(truth.width)"
    case .unknownLabel(LabelMap.unlabelled, _, let isTruth):
      "\(isTruth ? "the mask" : "the prediction") holds pixels without a label (a negative number, or 65535)"
    case .unknownLabel(let label, let classes, let isTruth):
      "\(isTruth ? "the mask" : "the prediction") holds label \(label), outside the classes 0 to \(classes - 1)"
    case .emptyMask(let isTruth):
      "\(isTruth ? "the mask" : "the prediction") is empty: there is no distance to its boundary"
    }
  }

  /// Throws if two label maps differ in size.
  static func requireSameSize(_ prediction: LabelMap, _ truth: LabelMap) throws(MetricError) {
    try requireSameSize(
      Extent2D(height: prediction.height, width: prediction.width), Extent2D(height: truth.height, width: truth.width))
  }

  /// Throws if two sizes differ.
  static func requireSameSize(_ prediction: Extent2D, _ truth: Extent2D) throws(MetricError) {
    guard prediction.height == truth.height, prediction.width == truth.width else {
      throw .sizesDiffer(prediction: prediction, truth: truth)
    }
  }

  /// Throws if one of two labels is outside the classes.
  static func requireKnown(_ truth: UInt16, _ prediction: UInt16, classes: Int) throws(MetricError) {
    guard truth < classes else { throw .unknownLabel(truth, classes: classes, isTruth: true) }
    guard prediction < classes else { throw .unknownLabel(prediction, classes: classes, isTruth: false) }
  }
}
