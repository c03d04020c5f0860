import SegIO

/// Places of the files that commands read and write.
enum ImageFiles {
  /// A path without symbolic links and detours, for comparison.
  static func resolved(_ path: String) -> String { FileSystem.resolved(path) }

  /// The last part of a path without its ending.
  static func stem(_ path: String) -> String { SegIO.stem(of: path) }

  static func join(_ directory: String, _ file: String) -> String { joined(directory, file) }

  /// Makes a directory and those above it, where they are not there.
  static func makeDirectory(_ path: String) throws { try Failure.writing { try FileSystem.makeDirectory(path) } }

  /// Complains about a file that cannot be written because of where it is, before any work is done for it.
  static func requirePlace(for file: String) throws {
    guard !FileSystem.isDirectory(file) else {
      throw Failure(.unwritableOutput, "\(file): is a directory, not a file")
    }
    let parent = parentDirectory(of: file)
    guard parent.isEmpty || FileSystem.isDirectory(parent) else {
      throw Failure(.unwritableOutput, "\(file): cannot be written: \(parent) is no directory")
    }
  }
}
