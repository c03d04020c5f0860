import ArgumentParser
import Foundation
import SegEngine
import SegIO
import SegModels

/// How image files are read.
struct ImageReadingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Which page of TIFF files, counted from 1.", valueName: "number"))
  var page = 1

  @Option(
    help: ArgumentHelp(
      "The sample that is white, where files do not state it: 4095 of 12 bits stored in 16. By default 255, 65535, or 1 of floating-point samples.",
      valueName: "sample"))
  var whiteLevel: Float?

  func validate() throws {
    if page < 1 { throw ValidationError("--page counts from 1, not \(page)") }
    if let whiteLevel, !(whiteLevel > 0 && whiteLevel.isFinite) {
      throw ValidationError("--white-level is positive, not \(whiteLevel)")
    }
  }

  /// Reads an image for a network that is given one prepared so, and prints what may matter about the file.
  func image(
    _ path: String, for preprocessing: Preprocessing? = nil
  ) throws(ImageError) -> (image: Image, warnings: [ImageWarning]) {
    try Self.image(path, page: page, whiteLevel: whiteLevel, for: preprocessing)
  }

  /// The same without options.
  static func image(
    _ path: String, page: Int = 1, whiteLevel: Float? = nil, for preprocessing: Preprocessing? = nil
  ) throws(ImageError) -> (image: Image, warnings: [ImageWarning]) {
    var (image, warnings) = try Image.reading(contentsOf: path, page: page)
    if let whiteLevel { image = image.withWhite(whiteLevel) }
    if whiteLevel != nil || preprocessing?.range == .imageMaximum { warnings.removeAll { $0.concernsWhite } }
    for warning in warnings {
      // There may be a bar on the line.
      printError(text: isatty(STDERR_FILENO) == 1 ? "\r\u{1b}[K" : "")
      printError("seg: \(warning)")
    }
    return (image, warnings)
  }
}

extension ImageWarning {
  /// Whether it is about the white level, which does not matter where one is given or the image's maximum counts.
  fileprivate var concernsWhite: Bool {
    switch kind {
    case .littleOfRange, .beyondWhite, .statedWhite: true
    case .noEndMarker, .furtherPages, .furtherFrames, .notNumbers, .assumed: false
    }
  }
}
