import ArgumentParser
import SegIO

/// A form in which the results of `seg segment` are written.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  /// Labels as PNG with a palette, or 16-bit grey.
  case labels
  /// The image with the labels drawn over it.
  case overlay
  /// The image with the background transparent.
  case cutout
  /// Probabilities, `[height, width, classes]` at the image's size, as NumPy archive.
  case probabilities

  /// What the file's name has after the image's name.
  var suffix: String {
    switch self {
    case .labels: ".png"
    case .overlay: "_overlay.png"
    case .cutout: "_cutout.png"
    case .probabilities: "_probabilities.npz"
    }
  }

  /// Whether it is computed from the network's output and not from the labels.
  var needsLogits: Bool { self == .cutout || self == .probabilities }

  /// Returns the format that the ending of a file's name asks for; `nil` if there is none. PNG files can be of several formats.
  static func format(ofFile path: String, among formats: [OutputFormat]?) -> OutputFormat? {
    guard let ending = ending(of: path)?.lowercased() else { return nil }
    let candidates = allCases.filter { $0.suffix.hasSuffix("." + ending) }
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
