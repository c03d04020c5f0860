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

  /// Returns the georeference of a TIFF file; `nil` for standard input, other files, and TIFF files without one.
  func georeference(_ path: String) throws -> Georeference? {
    guard path != "-", let ending = ending(of: path)?.lowercased(), ["tif", "tiff"].contains(ending) else { return nil }
    return try ImageFile(contentsOf: path, page: page).georeference
  }

  /// Opens a file to read its regions, and prints the warnings to the standard error stream.
  func file(
    _ path: String, for preprocessing: Preprocessing
  ) throws -> (source: RegionSource, georeference: Georeference?, warnings: [String]) {
    let file = try ImageFile(contentsOf: path == "-" ? "/dev/stdin" : path, page: page)
    let lines = warningLines(file.warnings, whiteLevel: whiteLevel, for: preprocessing, namesOptions: true)
    for line in lines { printError("seg: \(line)") }
    return (RegionSource(file: file, white: whiteLevel), file.georeference, lines)
  }
}

/// The regions of a file, with the white level of the options.
struct RegionSource: ImageSource {
  let file: ImageFile
  let white: Float?

  var width: Int { file.width }
  var height: Int { file.height }

  func image(rows: Range<Int>, columns: Range<Int>) throws -> Image {
    let image = try file.image(rows: rows, columns: columns)
    return white.map { image.withWhite($0) } ?? image
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
  return (image, warningLines(warnings, whiteLevel: whiteLevel, for: preprocessing, namesOptions: namesOptions))
}

/// Returns warnings about a file as lines, without those that the options settle.
private func warningLines(
  _ warnings: [ImageWarning], whiteLevel: Float?, for preprocessing: Preprocessing?, namesOptions: Bool
) -> [String] {
  let isSettled = whiteLevel != nil || preprocessing?.range.dependsOnImage ?? false
  return warnings.filter { !isSettled || !$0.concernsWhite }.map { warning in
    guard namesOptions, let option = warning.option else { return warning.description }
    return "\(warning) (\(option))"
  }
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
