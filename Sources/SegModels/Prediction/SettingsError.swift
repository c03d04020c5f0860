import Foundation
import SegEngine

/// Invalid settings.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The key, and what is wrong with its value.
  public let description: String

  package init(_ description: String) { self.description = description }
}
