/// Values that an operator is not defined for, met while it ran: what no shape can tell beforehand, such as an index beyond its axis.
public struct RunError: Error, Sendable, CustomStringConvertible {
  /// The operator's name.
  public let operatorName: String
  /// What does not fit, naming the value.
  public let reason: String

  /// Makes an error of an operator about the values of its operands.
  public init(_ operatorName: String, _ reason: String) {
    self.operatorName = operatorName
    self.reason = reason
  }

  public var description: String { "\(operatorName): \(reason)" }
}
