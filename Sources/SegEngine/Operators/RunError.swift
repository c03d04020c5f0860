/// An error for values for which an operator is not defined, found at run time, such as an index beyond its axis.
public struct RunError: Error, Sendable, CustomStringConvertible {
  /// The operator's name.
  public let operatorName: String
  /// The cause, with the value.
  public let reason: String

  /// Makes an error of an operator about operand values.
  public init(_ operatorName: String, _ reason: String) {
    self.operatorName = operatorName
    self.reason = reason
  }

  public var description: String { "\(operatorName): \(reason)" }
}
