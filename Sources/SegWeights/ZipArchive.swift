import CZip
import SegFiles

/// A zip archive in memory, opened for reading. The sizes in its directory are checked against the available bytes before anything is
/// allocated.
final class ZipArchive {
  /// The reason why an archive or an entry cannot be read.
  struct Failure: Error { let reason: String }

  /// A file in the archive.
  struct Entry {
    let name: String
    /// The size of the contents in bytes.
    let byteCount: Int
    fileprivate let index: UInt64
  }

  /// All files, in the directory's order, with distinct names.
  let entries: [Entry]
  private let file: FileBytes
  private let archive: OpaquePointer

  /// Returns whether a file begins with the signature of zip archives.
  static func recognizes(_ file: FileBytes) -> Bool {
    file.starts(with: [0x50, 0x4B, 3, 4]) || file.starts(with: [0x50, 0x4B, 5, 6])
  }

  init(_ file: FileBytes) throws(Failure) {
    var error = zip_error_t()
    zip_error_init(&error)
    defer { zip_error_fini(&error) }
    guard let source = zip_source_buffer_create(file.bytes.baseAddress, UInt64(file.count), 0, &error) else {
      throw Failure(reason: ZipArchive.message(&error))
    }
    guard let archive = zip_open_from_source(source, ZIP_RDONLY, &error) else {
      zip_source_free(source)
      throw Failure(reason: ZipArchive.message(&error))
    }
    do {
      entries = try ZipArchive.entries(of: archive, in: file)
    } catch {
      zip_discard(archive)
      throw error
    }
    self.file = file
    self.archive = archive
  }

  deinit { zip_discard(archive) }

  /// Reads a whole entry into `buffer`, which has the entry's size, and checks its CRC.
  func read(_ entry: Entry, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
    precondition(buffer.count == entry.byteCount, "a buffer of the entry's size")
    guard let stream = zip_fopen_index(archive, entry.index, 0) else {
      throw Failure(reason: "\(entry.name): \(ZipArchive.message(zip_get_error(archive)))")
    }
    defer { zip_fclose(stream) }
    var rest = UnsafeMutableRawBufferPointer(rebasing: buffer[...])
    while !rest.isEmpty {
      let count = zip_fread(stream, rest.baseAddress, UInt64(rest.count))
      guard count > 0 else {
        let reason = count == 0 ? "ends too early" : ZipArchive.message(zip_file_get_error(stream))
        throw Failure(reason: "\(entry.name): \(reason)")
      }
      rest = UnsafeMutableRawBufferPointer(rebasing: rest[Int(count)...])
    }
    // libzip compares the CRC in the read that reaches the end.
    var beyond: UInt8 = 0
    let count = zip_fread(stream, &beyond, 1)
    guard count == 0 else {
      let reason = count > 0 ? "is longer than its directory says" : ZipArchive.message(zip_file_get_error(stream))
      throw Failure(reason: "\(entry.name): \(reason)")
    }
  }

  /// Returns the contents of an entry.
  func contents(of entry: Entry) throws(Failure) -> FileBytes {
    var result: Result<Void, Failure> = .success(())
    let contents = FileBytes(filling: entry.byteCount) { buffer in
      result = Result { () throws(Failure) in try read(entry, into: buffer) }
    }
    try result.get()
    return contents
  }

  private static func entries(of archive: OpaquePointer, in file: FileBytes) throws(Failure) -> [Entry] {
    var entries: [Entry] = []
    var names: Set<String> = []
    var storedBytes: UInt64 = 0
    for index in 0..<UInt64(max(zip_get_num_entries(archive, 0), 0)) {
      var status = zip_stat_t()
      guard zip_stat_index(archive, index, 0, &status) == 0, let cName = status.name else {
        throw Failure(reason: message(zip_get_error(archive)))
      }
      let name = String(cString: cName)
      guard names.insert(name).inserted else { throw Failure(reason: "two entries have the name \(name)") }
      guard status.encryption_method == UInt16(ZIP_EM_NONE) else { throw Failure(reason: "\(name) is encrypted") }
      // Entries that share bytes could expand to any multiple of the file.
      let (sum, overflow) = storedBytes.addingReportingOverflow(status.comp_size)
      guard !overflow, sum <= UInt64(file.count) else { throw Failure(reason: "entries are larger than the file") }
      storedBytes = sum
      // Deflate expands two bits to at most 258 bytes (RFC 1951).
      let (largest, isStored) =
        switch Int32(status.comp_method) {
        case ZIP_CM_STORE: (status.comp_size, true)
        case ZIP_CM_DEFLATE: (status.comp_size * 1032 + 1032, false)
        default:
          throw Failure(reason: "\(name) has compression method \(status.comp_method), neither stored nor deflated")
        }
      guard status.size <= largest, !isStored || status.size == largest else {
        throw Failure(reason: "\(name) claims \(status.size) bytes, more than its \(status.comp_size) bytes can hold")
      }
      entries.append(Entry(name: name, byteCount: Int(status.size), index: index))
    }
    return entries
  }

  private static func message(_ error: UnsafeMutablePointer<zip_error_t>) -> String {
    oneLine(String(cString: zip_error_strerror(error)))
  }
}
