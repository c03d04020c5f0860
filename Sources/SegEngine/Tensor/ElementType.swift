/// The type of a tensor's elements.
public enum ElementType: String, Sendable, CaseIterable, CustomStringConvertible {
  case float32, uint8, uint16, int32, int64

  /// The size of one element in bytes.
  public var byteCount: Int {
    switch self {
    case .float32, .int32: 4
    case .uint8: 1
    case .uint16: 2
    case .int64: 8
    }
  }

  /// The size of `count` elements in bytes.
  func byteCount(of count: Int) -> Int { count * byteCount }
  /// The size in bytes of an estimated number of elements.
  func byteCount(of count: Double) -> Double { count * Double(byteCount) }

  public var description: String { rawValue }
}
