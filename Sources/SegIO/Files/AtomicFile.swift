#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that appears whole or not at all: it is written under another name in the same directory, and takes its own
/// name in the last step. Whatever goes wrong before that leaves the former file as it was and nothing beside it.
struct AtomicFile: ~Copyable {
  /// Where the bytes go until ``commit()``.
  let temporaryPath: String
  private let path: String
  private let target: String
  private let descriptor: CInt
  private var isCommitted = false

  /// Opens a new file that will replace `path`, which may be a symbolic link to the file to be replaced.
  init(replacing path: String) throws(FileError) {
    var target = path
    var status = stat()
    if stat(path, &status) == 0 {
      switch status.st_mode & S_IFMT {
      case S_IFREG: break
      case S_IFDIR: throw FileError(path, .isDirectory)
      default: throw FileError(path, .notAFile)
      }
      if let resolved = realpath(path, nil) {
        target = String(cString: resolved)
        free(resolved)
      }
    }
    let suffix = String(UInt64.random(in: 0..<(1 << 48)), radix: 36)
    let temporaryPath = "\(target).\(suffix).tmp"
    let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path, .system(attempt: "cannot be written", errno: errno)) }
    self.path = path
    self.target = target
    self.temporaryPath = temporaryPath
    self.descriptor = descriptor
  }

  /// Appends bytes.
  func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = write(descriptor, rest.baseAddress!, min(rest.count, 1 << 30))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw FileError(path, .system(attempt: "cannot be written", errno: errno)) }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  /// Appends bytes.
  func append(_ bytes: [UInt8]) throws(FileError) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(FileError) in try append(bytes) }
    }
    try result.get()
  }

  /// Gives the file its name. Its contents are on the disk before the name changes.
  consuming func commit() throws(FileError) {
    // By name: another writer may have put a file of its own at the temporary path.
    let written = open(temporaryPath, O_RDONLY | O_CLOEXEC)
    guard written >= 0 else { throw FileError(path, .system(attempt: "cannot be written", errno: errno)) }
    let synced = fsync(written)
    let code = errno
    close(written)
    // EINVAL: a file system that cannot be synchronised, which is no reason to lose the file.
    guard synced == 0 || code == EINVAL else {
      throw FileError(path, .system(attempt: "cannot be written", errno: code))
    }
    guard rename(temporaryPath, target) == 0 else {
      throw FileError(path, .system(attempt: "cannot be replaced", errno: errno))
    }
    isCommitted = true
  }

  deinit {
    close(descriptor)
    if !isCommitted { unlink(temporaryPath) }
  }
}

extension AtomicFile {
  /// Writes a whole file at once.
  static func create(_ path: String, containing bytes: [UInt8]) throws(FileError) {
    let file = try AtomicFile(replacing: path)
    try file.append(bytes)
    try file.commit()
  }
}
