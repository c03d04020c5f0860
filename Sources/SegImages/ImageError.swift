import SegFiles

/// An image or a mask that could not be read, written or drawn.
public struct ImageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The cause of the error.
  public enum Cause: Sendable, Equatable {
    /// The file could not be read or written, for a reason other than its format.
    case file(FileError)
    /// The file is empty.
    case empty
    /// The file is not in a supported image format. `looksLike` says what it seems to be, if that is known.
    case unknownFormat(looksLike: String?)
    /// The contents are damaged or incomplete; the reason is the decoder's message.
    case corrupt(format: String, reason: String)
    /// A valid file of an unsupported kind.
    case unsupported(format: String, reason: String)
    /// There are more pixels than the limit allows.
    case tooManyPixels(width: Int, height: Int, limit: Int)
    /// There are more samples than four times the limit of pixels.
    case tooManySamples(width: Int, height: Int, samples: Int, limit: Int)
    /// The file does not have the page of this number, counted from 1.
    case noPage(Int, of: Int)
    /// The library that reads a format is not installed.
    case missingLibrary(format: String, library: String)
    /// The pixels are not class labels.
    case notLabels(reason: String)
    /// An image and its label map have different sizes.
    case sizesDiffer(image: String, labels: String)
    /// The encoder failed.
    case cannotEncode(reason: String)
  }

  /// The file, or the name that the caller gave the bytes; `nil` if no file is concerned.
  public let path: String?
  /// The cause of the error.
  public let cause: Cause

  init(_ path: String?, _ cause: Cause) {
    self.path = path
    self.cause = cause
  }

  init(_ error: FileError) { self.init(error.path, .file(error)) }

  /// One line that names the file and the cause.
  public var description: String { oneLine((path.map { "\($0): " } ?? "") + reason) }

  private var reason: String {
    switch cause {
    case .file(let error): error.reason
    case .empty: "the file is empty"
    case .unknownFormat(let other):
      "is not an image of a known format (PNG, JPEG, TIFF, WebP, BMP, GIF, HEIF, AVIF, netpbm or NumPy)"
        + (other.map { " but looks like \($0)" } ?? "")
    case .corrupt(let format, let reason): "damaged or incomplete \(format): \(reason)"
    case .unsupported(let format, let reason): "\(format) of a kind that is not supported: \(reason)"
    case .tooManyPixels(let width, let height, let limit):
      "an image of \(width)×\(height) pixels exceeds the limit of \(limit) pixels"
    case .tooManySamples(let width, let height, let samples, let limit):
      "an image of \(width)×\(height) pixels with \(samples) samples each exceeds the limit of \(limit) pixels with 4"
    case .noPage(let page, let count):
      page < 1
        ? "there is no page \(page): pages count from 1" : "has \(count) page\(count == 1 ? "" : "s"), no page \(page)"
    case .missingLibrary(let format, let library):
      "\(format) is read by the library \(library), which is not installed (apt install \(library)1, or brew install \(library))"
    case .notLabels(let reason): "is no label mask: \(reason)"
    case .sizesDiffer(let image, let labels): "an image of \(image) cannot be overlaid with a label map of \(labels)"
    case .cannotEncode(let reason): "cannot be encoded: \(reason)"
    }
  }
}
