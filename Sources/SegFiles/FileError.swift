/// A file that could not be read or written, for a reason that has nothing to do with its format.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What went wrong.
  public enum Cause: Sendable, Equatable {
    /// The operating system refused: what was tried, and its `errno`.
    case system(attempt: String, errno: Int32)
    /// There is nothing where a directory was expected.
    case noDirectory
    /// A file stands where a directory was expected.
    case notADirectory
    /// A directory stands where a file was expected.
    case isDirectory
    /// Neither a file nor, for reading, a stream: a device or a socket.
    case notAFile
    /// The file has more bytes than the caller's limit.
    case tooLarge(limit: Int)
    /// The URL is not that of a file.
    case notAFileURL
  }

  /// The path as the caller gave it.
  public let path: String
  /// What went wrong.
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
