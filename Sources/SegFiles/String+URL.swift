#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension String {
  /// Makes the path of a file URL.
  ///
  /// - Throws: What `makeError` makes of the ``FileError`` if the URL is not a file URL.
  package init<Failure: Error>(
    pathOf url: URL, orThrow makeError: (FileError) -> Failure
  ) throws(Failure) {
    do throws(FileError) {
      try self.init(pathOf: url)
    } catch {
      throw makeError(error)
    }
  }

  /// Makes the path of a file URL, in the encoding of ``Swift/String/fileSystemBytes``.
  ///
  /// - Throws: ``FileError`` if the URL is not a file URL.
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
