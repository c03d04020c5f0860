import ArgumentParser
import SegIO

/// A form in which the results of `seg segment` are written.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  /// Labels as PNG with a palette, or 16-bit grey.
  case labels
  /// The image with the labels drawn over it, and a legend.
  case overlay
  /// The image with the background transparent.
  case cutout
  /// Labels as TIFF with 8 or 16 bits, with the georeference of the image.
  case labelsTIFF = "labels-tiff"
  /// Probabilities, `[height, width, classes]` at the image's size, as NumPy archive.
  case probabilities
  /// Probabilities as float32 bands of a TIFF file.
  case probabilitiesTIFF = "probabilities-tiff"
  /// Probabilities as 16-bit bands of a TIFF file, 65535 for 1.
  case probabilities16 = "probabilities-16bit"
  /// Polygons of the classes.
  case geoJSON = "geojson"
  /// Run-length encodings of the classes of all images.
  case coco
  /// The areas of the classes of all images.
  case areas

  /// What the file's name has after the image's name; of a file of all images its whole name.
  var suffix: String {
    switch self {
    case .labels: ".png"
    case .overlay: "_overlay.png"
    case .cutout: "_cutout.png"
    case .labelsTIFF: ".tif"
    case .probabilities: "_probabilities.npz"
    case .probabilitiesTIFF: "_probabilities.tif"
    case .probabilities16: "_probabilities_16bit.tif"
    case .geoJSON: ".geojson"
    case .coco: "annotations.json"
    case .areas: "areas.csv"
    }
  }

  /// Whether all images have one file.
  var isOfAllImages: Bool { self == .coco || self == .areas }

  /// Whether probabilities are written.
  var isProbabilities: Bool { self == .probabilities || self == .probabilitiesTIFF || self == .probabilities16 }

  /// Whether it is computed from the network's output and not from the labels.
  var needsLogits: Bool { self == .cutout || isProbabilities }

  /// Whether the position of the image on a map is written.
  var isGeoreferenced: Bool {
    switch self {
    case .labelsTIFF, .probabilitiesTIFF, .probabilities16, .geoJSON, .areas: true
    case .labels, .overlay, .cutout, .probabilities, .coco: false
    }
  }

  /// Returns the format that the ending of a file's name asks for; `nil` if there is none. PNG and TIFF files can be of several formats.
  static func format(ofFile path: String, among formats: [OutputFormat]?) -> OutputFormat? {
    guard let ending = ending(of: path)?.lowercased() else { return nil }
    let candidates = allCases.filter { $0.suffix.hasSuffix("." + (ending == "tiff" ? "tif" : ending)) }
    return formats?.first { candidates.contains($0) } ?? candidates.first
  }
}

/// Formats on the command line, such as `labels,overlay`.
struct OutputFormatList: ExpressibleByArgument {
  let formats: [OutputFormat]

  init?(argument: String) {
    let formats = argument.split(separator: ",", omittingEmptySubsequences: false)
      .map { OutputFormat(rawValue: String($0)) }
    guard !formats.isEmpty, !formats.contains(nil) else { return nil }
    self.formats = formats.compactMap { $0 }
  }
}
