import CZip
import SegFiles

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The file into which libzip writes an archive. Without it libzip would create temporary files beside the target.
///
/// Errors are kept here, because libzip passes on only an error number.
final class ZipTarget {
  private var file: AtomicFile?
  private(set) var failure: FileError?
  /// The position of the next byte, and the size so far.
  private var (position, size) = (0, 0)

  init(_ file: consuming AtomicFile) { self.file = consume file }

  /// Appends bytes.
  func append(_ bytes: [UInt8]) throws(FileError) { try file!.append(bytes) }

  /// Gives the file its final name.
  func commit() throws(FileError) {
    guard let file = file.take() else { return }
    try file.commit()
  }

  /// Returns a new libzip source that is an empty archive and writes to this file. This object must outlive it.
  func makeSource(_ error: UnsafeMutablePointer<zip_error_t>) -> OpaquePointer? {
    zip_source_function_create(
      { target, data, length, command in
        guard let target else { return -1 }
        return Unmanaged<ZipTarget>.fromOpaque(target).takeUnretainedValue().answer(command, data, Int(length))
      }, Unmanaged.passUnretained(self).toOpaque(), error)
  }

  private static let commands: [zip_source_cmd_t] = [
    ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
    ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_BEGIN_WRITE, ZIP_SOURCE_COMMIT_WRITE, ZIP_SOURCE_ROLLBACK_WRITE,
    ZIP_SOURCE_WRITE, ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE, ZIP_SOURCE_REMOVE, ZIP_SOURCE_SUPPORTS,
  ]

  private func answer(_ command: zip_source_cmd_t, _ data: UnsafeMutableRawPointer?, _ length: Int) -> Int64 {
    switch command {
    case ZIP_SOURCE_SUPPORTS: return ZipTarget.commands.reduce(0) { $0 | 1 << Int64($1.rawValue) }
    case ZIP_SOURCE_STAT:
      guard let status = data?.assumingMemoryBound(to: zip_stat_t.self) else { return -1 }
      zip_stat_init(status)
      status.pointee.size = 0
      status.pointee.valid |= UInt64(ZIP_STAT_SIZE)
      return Int64(MemoryLayout<zip_stat_t>.size)
    case ZIP_SOURCE_ERROR:
      guard let numbers = data?.assumingMemoryBound(to: Int32.self) else { return -1 }
      numbers[0] = failure == nil ? 0 : ZIP_ER_WRITE
      numbers[1] = 0
      return Int64(2 * MemoryLayout<Int32>.size)
    case ZIP_SOURCE_WRITE:
      return attempt { () throws(FileError) in
        try file!.append(UnsafeRawBufferPointer(start: data, count: length))
        position += length
        size = max(size, position)
        return length
      }
    case ZIP_SOURCE_TELL_WRITE, ZIP_SOURCE_TELL: return Int64(position)
    case ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_SEEK:
      var error = zip_error_t()
      let offset = Int(zip_source_seek_compute_offset(UInt64(position), UInt64(size), data, UInt64(length), &error))
      guard offset >= 0 else { return -1 }
      return attempt { () throws(FileError) in
        try file!.move(to: offset)
        position = offset
        return 0
      }
    default: return 0
    }
  }

  private func attempt(_ body: () throws(FileError) -> Int) -> Int64 {
    do throws(FileError) {
      return Int64(try body())
    } catch {
      failure = failure ?? error
      return -1
    }
  }
}
