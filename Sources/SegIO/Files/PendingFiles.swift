import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files under names of their own that have not got their place yet, so that a program that is told to stop can take them away.
package enum PendingFiles {
  private static let paths = Mutex<Set<[UInt8]>>([])

  static func add(_ path: String) { paths.withLock { _ = $0.insert(path.fileSystemBytes) } }

  static func remove(_ path: String) { paths.withLock { _ = $0.remove(path.fileSystemBytes) } }

  /// Removes all of them. None is made any more: for the end of a program.
  package static func removeAll() {
    paths.withLock { paths in
      for path in paths { _ = String(fileSystemBytes: path).withFileSystemPath { unlink($0) } }
    }
  }
}
