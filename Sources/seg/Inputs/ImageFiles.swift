import SegIO

/// Paths of the files that commands read and write.
enum ImageFiles {
  /// Returns a path without symbolic links, `.` and `..`, for comparison.
  static func resolved(_ path: String) -> String { FileSystem.resolved(path) }

  /// Returns the last component of a path without its ending.
  static func stem(_ path: String) -> String { SegIO.stem(of: path) }

  static func join(_ directory: String, _ file: String) -> String { joined(directory, file) }

  /// Creates a directory and its parents if they do not exist.
  static func makeDirectory(_ path: String) throws { try Failure.writing { try FileSystem.makeDirectory(path) } }

  /// Throws an error if a file cannot be written at its path, before any computation is done for it.
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
