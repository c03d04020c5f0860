#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension String {
  /// The path of a file's URL, with the bytes that it has for the operating system.
  ///
  /// - Throws: ``FileError`` where the URL is not that of a file.
  package init(pathOf url: URL) throws(FileError) {
    guard url.isFileURL else { throw FileError(url.absoluteString, .notAFileURL) }
    let path = url.withUnsafeFileSystemRepresentation { start -> String? in
      guard let start else { return nil }
      var count = 0
      while start[count] != 0 { count += 1 }
      return String(fileSystemBytes: UnsafeRawBufferPointer(start: start, count: count))
    }
    guard let path else { throw FileError(url.absoluteString, .notAFileURL) }
    self = path
  }
}
