/// A value of `SEG_NUM_THREADS` that is no number from 1 on.
public struct ThreadCountError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The value.
  public let text: String

  /// One line that says what is wrong.
  public var description: String { "SEG_NUM_THREADS is \"\(text)\", which is no number of threads" }
}
