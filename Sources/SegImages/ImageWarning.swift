import SegFiles

/// Something about an image file that may matter although the image was read.
public struct ImageWarning: Sendable, Equatable, CustomStringConvertible {
  /// What it is.
  public enum Kind: Sendable, Equatable {
    /// A JPEG file with all of the picture but not the marker behind it.
    case noEndMarker
    /// A file of several pages, of which one was read. Pages count from 1.
    case furtherPages(page: Int, of: Int)
    /// An animation, of which the first frame was read.
    case furtherFrames
    /// Integers none of which exceeds a quarter of what is taken for white: 12 bits stored in 16, maybe.
    case littleOfRange(largest: Float, white: Float)
    /// Floating-point samples far beyond 1, which is taken for white.
    case beyondWhite(largest: Float)
    /// A white level that the file states and that is no usual one.
    case statedWhite(Float)
    /// Samples that are not finite numbers, and were replaced by 0.
    case notNumbers(count: Int)
    /// Samples that stand for no data, as the file states, and were replaced by 0.
    case noData(Float, count: Int)
    /// Floating-point samples far below 0, which is taken for black.
    case belowBlack(least: Float)
    /// What the file does not say, or wrongly, and what was assumed.
    case assumed(String)

    /// Whether it is about which samples are white and black, which nothing that reads labels asks.
    var concernsBrightness: Bool {
      switch self {
      case .littleOfRange, .beyondWhite, .statedWhite, .belowBlack: true
      case .noEndMarker, .furtherPages, .furtherFrames, .notNumbers, .noData, .assumed: false
      }
    }
  }

  /// The file, or what the caller named the bytes.
  public let path: String
  /// What it is.
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

  /// A number, without a fraction where it has none.
  static func text(_ number: Float) -> String {
    number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
  }
}
