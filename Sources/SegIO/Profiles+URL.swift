#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SegEngine
import SegFiles

// Each function does what the one of the same name does with a path.

extension ProfileError {
  /// The path of a file's URL.
  fileprivate static func path(of url: URL) throws(ProfileError) -> String {
    do throws(FileError) {
      return try String(pathOf: url)
    } catch {
      throw .file(error)
    }
  }
}

extension StoredProfile {
  /// Reads a profile.
  ///
  /// - Throws: ``ProfileError`` where the file cannot be read, is no profile, or has not a coefficient for each feature.
  public init(contentsOf url: URL) throws(ProfileError) { try self.init(contentsOf: ProfileError.path(of: url)) }

  /// Writes the profile as JSON, whole or not at all.
  ///
  /// - Throws: ``ProfileError`` where the file cannot be written.
  public func write(to url: URL) throws(ProfileError) { try write(to: ProfileError.path(of: url)) }
}

extension LatencyRecord {
  /// Reads a record.
  ///
  /// - Throws: ``ProfileError`` where the file cannot be read or is no record.
  public init(contentsOf url: URL) throws(ProfileError) { try self.init(contentsOf: ProfileError.path(of: url)) }

  /// Writes the record as JSON, whole or not at all.
  ///
  /// - Throws: ``ProfileError`` where the file cannot be written.
  public func write(to url: URL) throws(ProfileError) { try write(to: ProfileError.path(of: url)) }
}
