#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Queries and changes of the file system. Paths are strings in the encoding of ``Swift/String/fileSystemBytes``.
package enum FileSystem {
  /// The kind of a file system entry.
  package enum Kind {
    case file, directory, stream, other
  }

  /// Returns the kind of the entry at a path, with symbolic links followed; `nil` if there is none or it cannot be examined.
  package static func kind(of path: String) -> Kind? {
    var status = stat()
    guard path.withFileSystemPath({ stat($0, &status) }) == 0 else { return nil }
    return kind(status)
  }

  package static func kind(_ status: stat) -> Kind {
    switch status.st_mode & S_IFMT {
    case S_IFREG: .file
    case S_IFDIR: .directory
    case S_IFIFO: .stream
    default: .other
    }
  }

  /// Returns whether an entry exists at a path.
  package static func exists(_ path: String) -> Bool { kind(of: path) != nil }

  /// Returns whether a directory exists at a path.
  package static func isDirectory(_ path: String) -> Bool { kind(of: path) == .directory }

  /// Returns the paths that match a pattern of the shell (`*`, `?`, `[…]`), sorted; none if there are none or they cannot be read.
  package static func paths(matching pattern: String) -> [String] {
    var matches = glob_t()
    defer { globfree(&matches) }
    guard pattern.withFileSystemPath({ glob($0, 0, nil, &matches) }) == 0, let paths = matches.gl_pathv else {
      return []
    }
    return (0..<Int(matches.gl_pathc)).compactMap { index in
      paths[index].map { String(fileSystemBytes: FileSystem.bytes(of: $0)) }
    }
  }

  /// Returns the names of a directory's entries, sorted by their bytes.
  package static func names(in directory: String) throws(FileError) -> [String] {
    guard let stream = directory.withFileSystemPath({ opendir($0) }) else {
      throw FileError(directory, .system(attempt: "the directory cannot be read", errno: errno))
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else {
          throw FileError(directory, .system(attempt: "the directory cannot be read", errno: errno))
        }
        break
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: UInt8.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) { name in
          Array(
            UnsafeBufferPointer(start: name, count: strlen(UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))))
        }
      }
      if name != [UInt8(ascii: ".")] && name != Array("..".utf8) { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }.map { String(fileSystemBytes: $0) }
  }

  /// Creates a directory and its parents if they do not exist.
  package static func makeDirectory(_ path: String) throws(FileError) {
    if let code = directoryFailure(path) {
      throw FileError(path, .system(attempt: "the directory cannot be made", errno: code))
    }
  }

  /// Returns the error number for a path that is no directory; `nil` if it is one.
  private static func directoryFailure(_ path: String) -> Int32? {
    func make() -> Int32? { path.withFileSystemPath { mkdir($0, 0o777) } == 0 ? nil : errno }
    guard let code = make() else { return nil }
    if isDirectory(path) { return nil }
    let parent = parentDirectory(of: path)
    guard code == ENOENT, !parent.isEmpty, parent != path else { return code }
    return directoryFailure(parent) ?? make()
  }

  /// Returns a path without symbolic links, `.` and `..`, for comparison. Components that do not exist are appended unchanged to the
  /// deepest directory that exists.
  package static func resolved(_ path: String) -> String {
    if let real = realPath(path) { return real }
    let (parent, name) = (parentDirectory(of: path), lastComponent(of: path))
    guard parent != path, !name.isEmpty else { return path }
    let home = resolved(parent.isEmpty ? "." : parent)
    switch name {
    case ".": return home
    case "..": return parentDirectory(of: home)
    default: return joined(home, name)
    }
  }

  /// Returns the path of an existing entry without symbolic links; `nil` if it does not exist.
  package static func realPath(_ path: String) -> String? {
    guard let resolved = path.withFileSystemPath({ realpath($0, nil) }) else { return nil }
    defer { free(resolved) }
    return String(fileSystemBytes: bytes(of: resolved))
  }

  /// Returns the bytes of a file, or of a pipe to its end.
  package static func contents(of path: String, limit: Int = 1 << 28) throws(FileError) -> [UInt8] {
    let file = try FileBytes(reading: path, limit: limit)
    return withExtendedLifetime(file) { Array(file.bytes) }
  }

  /// Writes a file, completely or not at all.
  package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    try AtomicFile.create(path, containing: bytes)
  }

  /// Returns an environment variable that may contain a path.
  package static func environment(_ name: String) -> String? {
    getenv(name).map { String(fileSystemBytes: bytes(of: $0)) }
  }

  private static func bytes(of text: UnsafePointer<CChar>) -> UnsafeBufferPointer<UInt8> {
    UnsafeRawBufferPointer(start: text, count: strlen(text)).assumingMemoryBound(to: UInt8.self)
  }
}
