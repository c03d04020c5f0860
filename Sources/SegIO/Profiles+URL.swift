#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SegEngine
import SegFiles

// Each function is equivalent to the function of the same name that takes a path.

extension ProfileError {
  /// Returns the path of a file URL.
  fileprivate static func path(of url: URL) throws(ProfileError) -> String {
    try String(pathOf: url, orThrow: ProfileError.file)
  }
}

extension StoredProfile {
  /// Reads a profile.
  ///
  /// - Throws: ``ProfileError`` if the file cannot be read, is not a profile, or lacks the coefficient of a feature.
  public init(contentsOf url: URL) throws(ProfileError) { try self.init(contentsOf: ProfileError.path(of: url)) }

  /// Writes the profile as JSON, completely or not at all.
  ///
  /// - Throws: ``ProfileError`` if the file cannot be written.
  public func write(to url: URL) throws(ProfileError) { try write(to: ProfileError.path(of: url)) }
}

extension LatencyRecord {
  /// Reads a record.
  ///
  /// - Throws: ``ProfileError`` if the file cannot be read or is not a record.
  public init(contentsOf url: URL) throws(ProfileError) { try self.init(contentsOf: ProfileError.path(of: url)) }

  /// Writes the record as JSON, completely or not at all.
  ///
  /// - Throws: ``ProfileError`` if the file cannot be written.
  public func write(to url: URL) throws(ProfileError) { try write(to: ProfileError.path(of: url)) }
}
