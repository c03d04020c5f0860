/// A file that could not be read or written, for a reason other than its format.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The cause of the error.
  public enum Cause: Sendable, Equatable {
    /// A system call failed: what was tried, and its `errno`.
    case system(attempt: String, errno: Int32)
    /// A directory was expected, and nothing exists at the path.
    case noDirectory
    /// A directory was expected, and the path is a file.
    case notADirectory
    /// A file was expected, and the path is a directory.
    case isDirectory
    /// Neither a file nor, for reading, a stream; for example a device or a socket.
    case notAFile
    /// The file is larger than the caller's limit in bytes.
    case tooLarge(limit: Int)
    /// The URL is not a file URL.
    case notAFileURL
  }

  /// The path that the caller gave.
  public let path: String
  /// The cause of the error.
  public let cause: Cause

  package init(_ path: String, _ cause: Cause) {
    self.path = path
    self.cause = cause
  }

  /// One line that names the file and the cause.
  public var description: String { oneLine("\(path): \(reason)") }

  /// The cause in words, without the path.
  package var reason: String {
    switch cause {
    case .system(let attempt, let errno): "\(attempt): \(systemMessage(errno))"
    case .noDirectory: "there is no such directory"
    case .notADirectory: "is a file, not a directory"
    case .isDirectory: "is a directory, not a file"
    case .notAFile: "is not a regular file"
    case .tooLarge(let limit): "is larger than the limit of \(limit) bytes"
    case .notAFileURL: "is not the URL of a file"
    }
  }
}
