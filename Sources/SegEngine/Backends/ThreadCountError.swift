/// An error for a value of `SEG_NUM_THREADS` that is not a positive integer.
public struct ThreadCountError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The value.
  public let text: String

  /// A one-line message.
  public var description: String { "SEG_NUM_THREADS is \"\(text)\", which is no number of threads" }
}
