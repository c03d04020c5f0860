#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file or a pipe that is open for reading. It is closed when the object is released, so a caller that keeps the descriptor keeps the
/// object alive too, with `withExtendedLifetime`.
package final class OpenFile: Sendable {
  /// The path that the caller gave.
  package let path: String
  package let descriptor: CInt
  /// The size in bytes when it was opened; 0 for a pipe.
  package let count: Int
  /// Whether it is a regular file, which can be read at any offset, and not a pipe.
  package let isRegular: Bool

  package init(_ path: String) throws(FileError) {
    let descriptor = path.withFileSystemPath { open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw FileError(path, .system(attempt: "cannot be opened", errno: errno)) }
    self.path = path
    self.descriptor = descriptor
    // All properties are set before the first throw, so that `deinit` closes the file.
    var status = stat()
    let failure: CInt? = fstat(descriptor, &status) == 0 ? nil : errno
    let kind = failure == nil ? FileSystem.kind(status) : .other
    isRegular = kind == .file
    count = kind == .file ? Int(status.st_size) : 0
    if let failure { throw FileError(path, .system(attempt: "cannot be examined", errno: failure)) }
    switch kind {
    case .file, .stream: break
    case .directory: throw FileError(path, .isDirectory)
    case .other: throw FileError(path, .notAFile)
    }
  }

  deinit { close(descriptor) }

  /// Reads up to `count` bytes from the beginning of a regular file, without a change of its position.
  package func prefix(_ count: Int) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let step = bytes.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress! + filled, count - filled, off_t(filled))
      }
      if step < 0 && errno == EINTR { continue }
      guard step >= 0 else { throw FileError(path, .system(attempt: "cannot be read", errno: errno)) }
      if step == 0 { break }
      filled += step
    }
    bytes.removeLast(count - filled)
    return bytes
  }
}
