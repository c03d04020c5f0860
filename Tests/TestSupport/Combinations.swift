/// The choices that led to the place where a test is, for messages.
public enum Trace {
  @TaskLocal static var choices: [String] = []

  /// The choices, one after the other.
  public static var description: String { choices.joined(separator: ", ") }
}

/// Runs `body` for every value of a parameter; nest several for all combinations. What fails inside names the choice.
public func withEvery<Values: Sequence>(
  _ label: String, in values: Values, _ body: (Values.Element) throws -> Void
) rethrows {
  for value in values {
    try Trace.$choices.withValue(Trace.choices + ["\(label): \(value)"]) { try body(value) }
  }
}
