import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The unfinished files that have temporary names. A program that is told to stop removes them.
package enum PendingFiles {
  private static let paths = Mutex<Set<[UInt8]>>([])

  package static func add(_ path: String) { paths.withLock { _ = $0.insert(path.fileSystemBytes) } }

  package static func remove(_ path: String) { paths.withLock { _ = $0.remove(path.fileSystemBytes) } }

  /// Removes all of them, or those below a directory. It is for the end of a program, when no more are created there.
  package static func removeAll(below directory: String = "") {
    paths.withLock { paths in
      for path in paths where path.starts(with: directory.fileSystemBytes) {
        _ = String(fileSystemBytes: path).withFileSystemPath { unlink($0) }
      }
    }
  }
}
