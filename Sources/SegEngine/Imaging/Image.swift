/// A decoded photograph, micrograph or satellite image: interleaved samples, rows from the top.
public struct Image: Sendable, Equatable {
  /// What the samples of a pixel mean, in the order in which they lie.
  public enum ChannelLayout: Sendable, Hashable {
    case grey
    case greyAlpha
    case rgb
    case rgba
    /// So many samples without a stated meaning. Where colours are wanted the first three are red, green and blue, of one or
    /// two the first is grey.
    case bands(Int)

    /// Samples a pixel.
    public var count: Int {
      switch self {
      case .grey: 1
      case .greyAlpha: 2
      case .rgb: 3
      case .rgba: 4
      case .bands(let count): count
      }
    }

    /// Whether the first three samples are red, green and blue, rather than the first one grey.
    public var isColor: Bool {
      switch self {
      case .grey, .greyAlpha: false
      case .rgb, .rgba: true
      case .bands(let count): count >= 3
      }
    }

    /// Whether the last sample is how opaque a pixel is.
    public var hasAlpha: Bool { self == .greyAlpha || self == .rgba }
  }

  /// The samples of all pixels, row by row: 0 is black, ``Image/white`` white.
  public enum Samples: Sendable, Equatable {
    case uint8([UInt8])
    /// 16 bits, native byte order.
    case uint16([UInt16])
    /// Floating-point samples, and integers that are signed or have more than 16 bits.
    case float32([Float])

    /// Number of samples.
    public var count: Int {
      switch self {
      case .uint8(let samples): samples.count
      case .uint16(let samples): samples.count
      case .float32(let samples): samples.count
      }
    }

    /// What is white where nothing else is stated: the largest integer, 1 of floating-point samples.
    public var defaultWhite: Float {
      switch self {
      case .uint8: 255
      case .uint16: 65535
      case .float32: 1
      }
    }
  }

  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// Meaning of the samples of a pixel.
  public let layout: ChannelLayout
  /// `height * width * layout.count` samples.
  public let samples: Samples
  /// The sample that is white: 255, 65535, 4095 of a 12-bit file, 1 of floating-point samples. Samples may exceed it.
  public let white: Float

  /// Makes an image of given samples.
  ///
  /// - Parameters:
  ///   - width: Width in pixels.
  ///   - height: Height in pixels.
  ///   - layout: Meaning of the samples of a pixel.
  ///   - samples: The samples, row by row.
  ///   - white: The sample that is white; `nil` for the ``Samples/defaultWhite``.
  /// - Precondition: `samples.count == width * height * layout.count`, all three are positive, and so is a finite `white`.
  public init(width: Int, height: Int, layout: ChannelLayout, samples: Samples, white: Float? = nil) {
    precondition(width > 0 && height > 0, "an image has pixels: \(width)×\(height)")
    precondition(layout.count > 0, "a pixel has samples: \(layout)")
    precondition(
      samples.count == width * height * layout.count, "\(samples.count) samples for \(width)×\(height) \(layout)")
    let white = white ?? samples.defaultWhite
    precondition(white > 0 && white.isFinite, "white is a positive number: \(white)")
    self.width = width
    self.height = height
    self.layout = layout
    self.samples = samples
    self.white = white
  }

  /// The same samples with another one taken for white.
  ///
  /// - Precondition: `white` is positive and finite.
  public func withWhite(_ white: Float) -> Image {
    Image(width: width, height: height, layout: layout, samples: samples, white: white)
  }

  /// Bits a sample as it lies in memory: 8, 16 or 32.
  public var bitDepth: Int {
    switch samples {
    case .uint8: 8
    case .uint16: 16
    case .float32: 32
    }
  }
}
