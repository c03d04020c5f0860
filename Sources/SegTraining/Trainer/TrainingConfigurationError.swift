/// A value of a training's configuration that is not valid.
public struct TrainingConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One line that names the value.
  public let description: String

  init(_ description: String) { self.description = description }
}
