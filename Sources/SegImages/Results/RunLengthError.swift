/// A run-length encoding that describes no mask.
public enum RunLengthError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A character of the compressed string that is not one of `0` to `o`. `offset` counts bytes from 0.
  case character(offset: Int)
  /// The compressed string ends within a number.
  case truncated
  /// A number of the compressed string that exceeds the range of 64-bit integers. `offset` counts bytes from 0.
  case numberTooLarge(offset: Int)
  /// A negative count. `index` counts from 0.
  case negativeCount(index: Int)
  /// The counts do not add up to the number of pixels.
  case wrongSum(width: Int, height: Int)
  /// A negative width or height, or more pixels than a 64-bit integer counts.
  case size(width: Int, height: Int)

  /// The error in one line.
  public var description: String {
    switch self {
    case .character(let offset): "a compressed run-length encoding has a character at \(offset) that is not 0 to o"
    case .truncated: "a compressed run-length encoding ends within a number"
    case .numberTooLarge(let offset): "a compressed run-length encoding has a number at \(offset) that is too large"
    case .negativeCount(let index): "count \(index) of a run-length encoding is negative"
    case .wrongSum(let width, let height):
      "the counts of a run-length encoding do not add up to \(width)×\(height) pixels"
    case .size(let width, let height): "a run-length encoding of \(width)×\(height) pixels"
    }
  }
}
