#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The bytes of a file: mapped into memory, read into memory, or given by the caller. A caller that keeps a pointer into `bytes` must
/// keep this object alive too, with `withExtendedLifetime`: a local variable may be released after its last use.
///
/// Another process must not shorten a mapped file while it is in use: the operating system ends a program that reads the removed pages.
///
/// The conformance is unchecked because of the pointer. Its memory is not written after initialisation.
package final class FileBytes: @unchecked Sendable {
  /// All bytes. They are never written.
  package let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool

  package var count: Int { bytes.count }

  /// Maps a regular file without reading it.
  package init(mapping path: String) throws(FileError) {
    let file = try OpenFile(path)
    guard file.isRegular else { throw FileError(path, .notAFile) }
    let size = file.count
    isMapped = size > 0
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    // The object stays alive for the call, and a mapping outlives its descriptor.
    let start = withExtendedLifetime(file) { mmap(nil, size, PROT_READ, MAP_PRIVATE, file.descriptor, 0) }
    guard let start, start != MAP_FAILED else {
      throw FileError(path, .system(attempt: "cannot be mapped", errno: errno))
    }
    bytes = UnsafeRawBufferPointer(start: start, count: size)
  }

  /// Reads a file, or a pipe to its end, into memory.
  package convenience init(reading path: String, limit: Int) throws(FileError) {
    try self.init(reading: OpenFile(path), limit: limit)
  }

  /// Reads an open file that nothing was read of, or a pipe to its end, into memory.
  package convenience init(reading file: OpenFile, limit: Int) throws(FileError) {
    let (path, size, isRegular) = (file.path, file.count, file.isRegular)
    guard size <= limit else { throw FileError(path, .tooLarge(limit: limit)) }
    // A regular file is read in one call, with room for one byte more: if that stays empty, the end was reached.
    var contents = [UInt8](repeating: 0, count: isRegular ? size + 1 : 1 << 16)
    var filled = 0
    while true {
      if filled == contents.count { contents.append(contentsOf: repeatElement(0, count: contents.count)) }
      let capacity = contents.count - filled
      let count = contents.withUnsafeMutableBytes { read(file.descriptor, $0.baseAddress! + filled, capacity) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw FileError(path, .system(attempt: "cannot be read", errno: errno)) }
      if count == 0 { break }
      filled += count
      guard filled <= limit else { throw FileError(path, .tooLarge(limit: limit)) }
    }
    contents.removeLast(contents.count - filled)
    self.init(contents)
  }

  /// Copies bytes that are in memory.
  package init(_ contents: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(contents.count, 1), alignment: 64)
    copy.copyBytes(from: contents)
    bytes = UnsafeRawBufferPointer(start: copy.baseAddress, count: contents.count)
    isMapped = false
  }

  /// Allocates memory, which `fill` writes before anything reads `bytes`.
  package init(filling count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
    fill(UnsafeMutableRawBufferPointer(rebasing: memory[..<count]))
    bytes = UnsafeRawBufferPointer(start: memory.baseAddress, count: count)
    isMapped = false
  }

  deinit {
    if isMapped {
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count)
    } else {
      bytes.baseAddress?.deallocate()
    }
  }

  /// Whether the file begins with these bytes.
  package func starts(with prefix: [UInt8]) -> Bool { bytes.starts(with: prefix) }
}
