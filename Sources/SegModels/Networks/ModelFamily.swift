import SegEngine

/// A family of related networks. Its members are listed in the file of their architecture.
public struct ModelFamily: Sendable {
  /// The family's name.
  public let name: String
  /// Its members, in listing order.
  public let models: [ModelDescription]

  /// Creates a family.
  public init(_ name: String, _ models: [ModelDescription]) {
    self.name = name
    self.models = models
  }
}
