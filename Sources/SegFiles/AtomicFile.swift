#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that is written completely or not at all. If anything fails before ``commit()``, the former file stays as it was, and no other
/// file is left in its directory.
///
/// Where the file system supports it, the file has no name until it is complete. Then nothing is left even if the program is killed.
/// Elsewhere it has a temporary name in the same directory, which ``PendingFiles`` lists.
package struct AtomicFile: ~Copyable {
  private let path: String
  private let target: String
  /// The open file, for reading and writing. Whoever writes through it does so before ``commit()``, and closes nothing.
  package private(set) var descriptor: CInt
  /// The temporary name of the file; `nil` if it has none.
  private var temporaryPath: String?

  /// Opens a new file that will replace `path`, which may be a symbolic link to the file to be replaced.
  package init(replacing path: String) throws(FileError) {
    try self.init(replacing: path, unnamed: true)
  }

  /// Opens the file as `init(replacing:)` does. If `unnamed` is false, the file has a temporary name from the beginning, as on file
  /// systems without unnamed files.
  package init(replacing path: String, unnamed: Bool) throws(FileError) {
    var target = path
    var status = stat()
    if path.withFileSystemPath({ stat($0, &status) }) == 0 {
      switch FileSystem.kind(status) {
      case .file: target = FileSystem.realPath(path) ?? path
      case .directory: throw FileError(path, .isDirectory)
      case .stream, .other: throw FileError(path, .notAFile)
      }
    } else if errno == ENAMETOOLONG {
      throw FileError(path, .system(attempt: "cannot be written", errno: ENAMETOOLONG))
    }
    var descriptor = unnamed ? AtomicFile.openUnnamed(in: parentDirectory(of: target)) : -1
    var temporaryPath: String?
    if descriptor < 0 {
      let name = AtomicFile.freeName(beside: target)
      descriptor = try AtomicFile.openNamed(name, for: path)
      temporaryPath = name
    }
    self.path = path
    self.target = target
    self.descriptor = descriptor
    self.temporaryPath = temporaryPath
  }

  /// Appends bytes.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    if let code = writeAll(bytes, to: descriptor) { throw failure(code) }
  }

  /// Appends bytes.
  package func append(_ bytes: [UInt8]) throws(FileError) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(FileError) in try append(bytes) }
    }
    try result.get()
  }

  /// Sets the offset at which the next byte is written.
  package func move(to offset: Int) throws(FileError) {
    guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw failure(errno) }
  }

  /// Gives the file its final name. Its contents are on the disk before the name changes.
  package consuming func commit() throws(FileError) {
    // EINVAL: the file system cannot be synchronised. That is no reason to discard the file.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(errno) }
    if temporaryPath == nil {
      if link(to: target) { return }
      switch errno {
      case EEXIST: try takeName()
      // There is no /proc, or the file system cannot name such files: copies the contents to a named file.
      case ENOENT, EPERM, EXDEV, EINVAL, EOPNOTSUPP: try copyToNamed()
      default: throw failure(errno)
      }
    }
    guard let temporaryPath else { return }
    let code = temporaryPath.withFileSystemPath { source in
      target.withFileSystemPath { rename(source, $0) == 0 ? 0 : errno }
    }
    guard code == 0 else { throw FileError(path, .system(attempt: "cannot be replaced", errno: code)) }
    PendingFiles.remove(temporaryPath)
    self.temporaryPath = nil
  }

  deinit {
    close(descriptor)
    if let temporaryPath { AtomicFile.remove(temporaryPath) }
  }

  private func failure(_ code: CInt) -> FileError {
    FileError(path, .system(attempt: "cannot be written", errno: code))
  }

  // MARK: Unnamed files

  private static func openUnnamed(in directory: String) -> CInt {
    #if os(Linux)
    // O_TMPFILE is a macro that Swift does not import. This bit is the same on all processors that Swift on Linux supports.
    let unnamed: CInt = 0o20_000_000 | O_DIRECTORY
    return (directory.isEmpty ? "." : directory).withFileSystemPath { open($0, unnamed | O_RDWR | O_CLOEXEC, 0o666) }
    #else
    return -1
    #endif
  }

  /// Gives the unnamed file this name if no file has it yet. Otherwise returns false and sets `errno`.
  private func link(to path: String) -> Bool {
    #if os(Linux)
    "/proc/self/fd/\(descriptor)".withFileSystemPath { source in
      path.withFileSystemPath { linkat(AT_FDCWD, source, AT_FDCWD, $0, AT_SYMLINK_FOLLOW) == 0 }
    }
    #else
    false
    #endif
  }

  /// Gives the unnamed file a temporary name, from which it can be renamed over another file.
  private mutating func takeName() throws(FileError) {
    let name = AtomicFile.freeName(beside: target)
    PendingFiles.add(name)
    guard link(to: name) else {
      let code = errno
      PendingFiles.remove(name)
      throw failure(code)
    }
    temporaryPath = name
  }

  private mutating func copyToNamed() throws(FileError) {
    let name = AtomicFile.freeName(beside: target)
    let source = descriptor
    descriptor = try AtomicFile.openNamed(name, for: path)
    temporaryPath = name
    defer { close(source) }
    guard lseek(source, 0, SEEK_SET) == 0 else { throw failure(errno) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = buffer.withUnsafeMutableBytes { read(source, $0.baseAddress!, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure(errno) }
      if count == 0 { break }
      try append(Array(buffer[..<count]))
    }
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(errno) }
  }

  // MARK: Temporary names

  /// Returns an unused name in a file's directory. It is short, because the file's own name may have the maximum length.
  private static func freeName(beside target: String) -> String {
    joined(parentDirectory(of: target), ".seg-" + String(UInt64.random(in: 0..<(1 << 48)), radix: 36) + ".tmp")
  }

  private static func openNamed(_ name: String, for path: String) throws(FileError) -> CInt {
    PendingFiles.add(name)
    let descriptor = name.withFileSystemPath { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else {
      let code = errno
      PendingFiles.remove(name)
      throw FileError(path, .system(attempt: "cannot be written", errno: code))
    }
    return descriptor
  }

  private static func remove(_ path: String) {
    _ = path.withFileSystemPath { unlink($0) }
    PendingFiles.remove(path)
  }
}

extension AtomicFile {
  /// Writes a whole file at once.
  package static func create(_ path: String, containing bytes: [UInt8]) throws(FileError) {
    let file = try AtomicFile(replacing: path)
    try file.append(bytes)
    try file.commit()
  }
}
