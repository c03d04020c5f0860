import SegEngine

/// The value of an undefined ratio, 0 / 0, in a mean over classes.
public enum UndefinedRatio: Sendable, Hashable, CaseIterable {
  /// Left out of the mean. The default everywhere.
  case leftOut
  /// 0.
  case zero
  /// 1.
  case one
  /// 0 if the class occurs in prediction or truth (for instance the precision of a class that is never predicted);
  /// otherwise left out, as in torchmetrics.
  case zeroWherePresent

  /// The value in the mean, or `nil` if the class is left out.
  func value(isPresent: Bool) -> Double? {
    switch self {
    case .leftOut: nil
    case .zero: 0
    case .one: 1
    case .zeroWherePresent: isPresent ? 0 : nil
    }
  }
}
