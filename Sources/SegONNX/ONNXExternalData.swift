import SegFiles

/// The files that may hold the constants of a model, besides the model itself.
///
/// A location in the model is a path relative to its folder. What it leads to is read only in these places:
///
/// - within the folder of the model as it is named, after all links are followed;
/// - directly in the folder of the file that the model is a link to: model and data are links into one folder, or the data lies beside
///   the file that the model leads to, under the location's own path;
/// - directly in the folder `blobs` of the repository of a download cache, if the model is below the folder `snapshots` beside it.
///
/// Absolute locations and those with `..` are refused, so that a model cannot name other files. Links that leave these folders are refused,
/// so that a folder from elsewhere cannot show the model files of its reader.
struct ONNXExternalData {
  /// The folder of the model as it is named.
  private let directory: String
  /// The same folder, with links followed.
  private let home: String
  /// The folder of the file that the model leads to.
  private let target: String
  /// The folder of a download cache's files, with links followed.
  private let blobs: String?

  init(modelPath: String) {
    directory = parentDirectory(of: modelPath)
    home = FileSystem.resolved(directory.isEmpty ? "." : directory)
    target = parentDirectory(of: FileSystem.resolved(modelPath))
    blobs = ONNXExternalData.blobs(of: home)
  }

  /// Returns the folder of files of a download cache, `REPOSITORY/blobs`, for a folder `REPOSITORY/snapshots/REVISION/…`.
  private static func blobs(of folder: String) -> String? {
    var folder = folder
    var isBelow = false
    while folder != "/", !folder.isEmpty {
      let parent = parentDirectory(of: folder)
      if isBelow, lastComponent(of: folder) == "snapshots" {
        let blobs = (parent == "/" ? "" : parent) + "/blobs"
        // The folder itself is no link to another place.
        return FileSystem.isDirectory(blobs) && FileSystem.resolved(blobs) == blobs ? blobs : nil
      }
      isBelow = true
      if parent == folder { return nil }
      folder = parent
    }
    return nil
  }

  private static func isWithin(_ path: String, _ folder: String) -> Bool {
    !folder.isEmpty && path.hasPrefix(folder == "/" ? "/" : folder + "/")
  }

  /// Returns the path of the file at a location, with links followed; `nil` if it is none of those that may be read. A file that is
  /// missing has the path beside the model.
  func path(of location: String) -> String? {
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !location.contains("\\"), !location.contains("\0"), !parts.contains("..") else {
      return nil
    }
    let named = directory.isEmpty ? location : (directory == "/" ? "" : directory) + "/" + location
    if FileSystem.exists(named) {
      let resolved = FileSystem.resolved(named)
      let folder = parentDirectory(of: resolved)
      let isAllowed = ONNXExternalData.isWithin(resolved, home) || folder == target || (blobs != nil && folder == blobs)
      return isAllowed ? resolved : nil
    }
    let beside = (target == "/" ? "" : target) + "/" + location
    if target != home, FileSystem.exists(beside) {
      let resolved = FileSystem.resolved(beside)
      return ONNXExternalData.isWithin(resolved, target) ? resolved : nil
    }
    // A link that leads nowhere may still lead out of the folder; without a file nothing is read.
    return named
  }
}
