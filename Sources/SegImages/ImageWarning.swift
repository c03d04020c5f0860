import SegFiles

/// A property of an image file that may be a problem, although the image was read.
public struct ImageWarning: Sendable, Equatable, CustomStringConvertible {
  /// The kind of warning.
  public enum Kind: Sendable, Equatable {
    /// A JPEG file with all pixels but without the end marker.
    case noEndMarker
    /// A file of several pages, of which one was read. Pages count from 1.
    case furtherPages(page: Int, of: Int)
    /// An animation, of which the first frame was read.
    case furtherFrames
    /// Integers that do not exceed a quarter of the assumed white, for instance 12 bits stored in 16.
    case littleOfRange(largest: Float, white: Float)
    /// Floating-point samples far above 1, the assumed white.
    case beyondWhite(largest: Float)
    /// An unusual white level that the file states.
    case statedWhite(Float)
    /// Samples that are not finite numbers. They were replaced by 0.
    case notNumbers(count: Int)
    /// Samples that have the file's value for missing data. They were replaced by 0.
    case noData(Float, count: Int)
    /// Floating-point samples far below 0, the assumed black.
    case belowBlack(least: Float)
    /// A property that the file does not state, or states wrongly, and the assumed value.
    case assumed(String)

    /// Whether the warning is about which samples are white and black. That does not matter for labels.
    var concernsBrightness: Bool {
      switch self {
      case .littleOfRange, .beyondWhite, .statedWhite, .belowBlack: true
      case .noEndMarker, .furtherPages, .furtherFrames, .notNumbers, .noData, .assumed: false
      }
    }
  }

  /// The file, or the name that the caller gave the bytes.
  public let path: String
  /// The kind of warning.
  public let kind: Kind

  init(_ path: String, _ kind: Kind) {
    self.path = path
    self.kind = kind
  }

  /// One line that names the file.
  public var description: String { oneLine("\(path): \(reason)") }

  private var reason: String {
    switch kind {
    case .noEndMarker: "has no end marker; what is there was read"
    case .furtherPages(let page, let count): "has \(count) pages; page \(page) was read"
    case .furtherFrames: "is an animation; its first frame was read"
    case .littleOfRange(let largest, let white):
      "its largest sample is \(ImageWarning.text(largest)), but white is taken as \(ImageWarning.text(white)), so the image is dark; "
        + "the file does not state its white level"
    case .beyondWhite(let largest):
      "its largest sample is \(ImageWarning.text(largest)), but white is taken as 1, as of all floating-point samples"
    case .statedWhite(let white): "white is \(ImageWarning.text(white)), as the file states its largest sample"
    case .notNumbers(let count):
      "\(count) of its samples \(count == 1 ? "is not a finite number and was" : "are not finite numbers and were") taken as 0"
    case .noData(let value, let count):
      "\(count) of its samples \(count == 1 ? "is" : "are") \(ImageWarning.text(value)), which stands for no data, and "
        + "\(count == 1 ? "was" : "were") taken as 0"
    case .belowBlack(let least):
      "its least sample is \(ImageWarning.text(least)), but black is taken as 0, as of all floating-point samples"
    case .assumed(let what): what
    }
  }

  /// Formats a number, without a fraction if it is an integer.
  static func text(_ number: Float) -> String {
    number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
  }
}
