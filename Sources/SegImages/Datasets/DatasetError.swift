import SegFiles

/// Images and masks that cannot be paired.
public struct DatasetError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The cause of the error.
  public enum Cause: Sendable, Equatable {
    /// A directory cannot be read.
    case file(FileError)
    /// There are no images, or none whose names have the suffix.
    case noImages(suffix: String?)
    /// An image has no mask in the directory.
    case noMask(image: String)
    /// A mask has no image in the directory.
    case noImage(mask: String)
    /// Several masks fit one image.
    case severalMasks(first: String, second: String, image: String)
    /// Several images fit one mask.
    case severalImages(first: String, second: String, mask: String)
  }

  /// The directory.
  public let directory: String
  /// The cause of the error.
  public let cause: Cause

  init(_ directory: String, _ cause: Cause) {
    self.directory = directory
    self.cause = cause
  }

  /// The error of a directory that is not there.
  package static func noDirectory(_ path: String) -> DatasetError {
    DatasetError(path, .file(FileError(path, .noDirectory)))
  }

  /// One line that names the files.
  public var description: String { oneLine("\(directory): \(reason)", limit: 1200) }

  private var reason: String {
    switch cause {
    case .file(let error): error.reason
    case .noImages(let suffix):
      "there are no images (png, jpg, tif and others)" + (suffix.map { " called …\($0)" } ?? "")
    case .noMask(let image): "there is no mask for \(image)"
    case .noImage(let mask): "there is no image for the mask \(mask)"
    case .severalMasks(let first, let second, let image): "\(first) and \(second) may both be the mask of \(image)"
    case .severalImages(let first, let second, let mask): "\(first) and \(second) may both belong to the mask \(mask)"
    }
  }
}
