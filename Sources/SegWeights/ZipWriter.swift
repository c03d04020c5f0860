import CZip
import SegFiles

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes a zip archive completely or not at all. The same contents give the same bytes: all entries have a fixed date.
enum ZipWriter {
  /// Replaces `path` by an archive of these entries, in this order.
  ///
  /// `contents` is called once per entry. It returns memory allocated by `malloc`, which is freed here.
  static func write(
    to path: String, names: [String], compressed: Bool, contents: (Int) -> UnsafeMutableRawBufferPointer?
  ) throws(WeightsError) {
    do {
      let target = ZipTarget(try AtomicFile(replacing: path))
      if names.isEmpty {
        // libzip writes no file without entries. This is the end record of an empty directory.
        try target.append([0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18))
      } else {
        try fill(target, path, names, compressed, contents)
      }
      try target.commit()
    } catch let error as FileError {
      throw WeightsError(error)
    } catch let error as WeightsError {
      throw error
    } catch {
      throw WeightsError(path, .cannotWrite("\(error)"))
    }
  }

  /// Writes the entries. Errors of the file itself are reported as such, and not with libzip's message.
  private static func fill(
    _ target: ZipTarget, _ path: String, _ names: [String], _ compressed: Bool,
    _ contents: (Int) -> UnsafeMutableRawBufferPointer?
  ) throws {
    do {
      try add(target, path, names, compressed, contents)
    } catch {
      throw target.failure ?? error
    }
  }

  private static func add(
    _ target: ZipTarget, _ path: String, _ names: [String], _ compressed: Bool,
    _ contents: (Int) -> UnsafeMutableRawBufferPointer?
  ) throws(WeightsError) {
    var error = zip_error_t()
    zip_error_init(&error)
    defer { zip_error_fini(&error) }
    guard let source = target.makeSource(&error), let archive = zip_open_from_source(source, ZIP_TRUNCATE, &error)
    else {
      throw WeightsError(path, .cannotWrite(oneLine(String(cString: zip_error_strerror(&error)))))
    }
    for (position, name) in names.enumerated() {
      guard let bytes = contents(position) else {
        zip_discard(archive)
        throw WeightsError(path, .cannotWrite("out of memory"))
      }
      guard let source = zip_source_buffer(archive, bytes.baseAddress, UInt64(bytes.count), 1) else {
        free(bytes.baseAddress)
        throw failure(archive, path)
      }
      let index = zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8)
      guard index >= 0 else {
        zip_source_free(source)
        throw failure(archive, path)
      }
      // 1 January 1980, the earliest date of the zip format.
      guard zip_set_file_compression(archive, UInt64(index), compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) == 0,
        zip_file_set_dostime(archive, UInt64(index), 0, 0x21, 0) == 0
      else { throw failure(archive, path) }
    }
    guard zip_close(archive) == 0 else { throw failure(archive, path) }
  }

  private static func failure(_ archive: OpaquePointer, _ path: String) -> WeightsError {
    let reason = oneLine(String(cString: zip_error_strerror(zip_get_error(archive))))
    zip_discard(archive)
    return WeightsError(path, .cannotWrite(reason))
  }
}
