import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// Options for reading image files.
struct ImageReadingOptions: ParsableArguments, Sendable {
  @Option(help: ArgumentHelp("Which page of TIFF files, counted from 1.", valueName: "number"))
  var page = 1

  @Option(
    help: ArgumentHelp(
      """
      The sample that is white, where files do not state it: 4095 of 12 bits stored in 16. By default 255, 65535, or 1 of \
      floating-point samples.
      """, valueName: "sample"))
  var whiteLevel: Float?

  func validate() throws {
    if page < 1 { throw ValidationError("--page counts from 1, not \(page)") }
    if let whiteLevel, !(whiteLevel > 0 && whiteLevel.isFinite) {
      throw ValidationError("--white-level is positive, not \(whiteLevel)")
    }
  }

  /// Reads an image as ``imageLines(_:page:whiteLevel:for:namesOptions:)`` does, and prints the warnings to the standard error stream.
  func image(_ path: String, for preprocessing: Preprocessing? = nil) throws -> (image: Image, warnings: [String]) {
    let (image, lines) = try imageLines(
      path, page: page, whiteLevel: whiteLevel, for: preprocessing, namesOptions: true)
    for line in lines { printError("seg: \(line)") }
    return (image, lines)
  }
}

/// Reads an image file and returns the image with the warnings about the file, one per line.
///
/// Warnings about the white level are omitted if one is given, or if the network's preprocessing uses the image's maximum instead.
/// `namesOptions` adds the option that changes the assumption.
func imageLines(
  _ path: String, page: Int = 1, whiteLevel: Float? = nil, for preprocessing: Preprocessing? = nil,
  namesOptions: Bool = false
) throws -> (image: Image, warnings: [String]) {
  // Standard input is a pipe that is read to its end.
  var (image, warnings) = try Image.reading(contentsOf: path == "-" ? "/dev/stdin" : path, page: page)
  if let whiteLevel { image = image.withWhite(whiteLevel) }
  if whiteLevel != nil || preprocessing?.range == .imageMaximum { warnings.removeAll { $0.concernsWhite } }
  let lines = warnings.map { warning in
    guard namesOptions, let option = warning.option else { return warning.description }
    return "\(warning) (\(option))"
  }
  return (image, lines)
}

extension ImageWarning {
  fileprivate var concernsWhite: Bool { option == "--white-level" }

  /// The option that changes the assumption.
  fileprivate var option: String? {
    switch kind {
    case .littleOfRange, .beyondWhite, .statedWhite: "--white-level"
    case .furtherPages: "--page"
    case .noEndMarker, .furtherFrames, .notNumbers, .noData, .belowBlack, .assumed: nil
    }
  }
}
