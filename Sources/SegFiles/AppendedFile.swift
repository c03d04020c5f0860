#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that grows at its end, such as a log. What was appended before a failure stays.
package final class AppendedFile: Sendable {
  private let path: String
  private let descriptor: CInt

  /// Opens a file that exists.
  package init(_ path: String) throws(FileError) {
    descriptor = path.withFileSystemPath { open($0, O_WRONLY | O_APPEND | O_CLOEXEC) }
    self.path = path
    guard descriptor >= 0 else { throw FileError(path, .system(attempt: "cannot be opened", errno: errno)) }
  }

  deinit { close(descriptor) }

  /// Appends bytes.
  package func append(_ bytes: [UInt8]) throws(FileError) {
    if let code = bytes.withUnsafeBytes({ writeAll($0, to: descriptor) }) {
      throw FileError(path, .system(attempt: "cannot be written", errno: code))
    }
  }
}
