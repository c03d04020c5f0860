/// A decoded image (photograph, micrograph, satellite image): interleaved samples, rows from the top.
public struct Image: Sendable, Equatable {
  /// The meaning of a pixel's samples, in storage order.
  public enum ChannelLayout: Sendable, Hashable {
    case grey
    case greyAlpha
    case rgb
    case rgba
    /// A number of samples without a stated meaning. If colours are needed, the first three samples are red, green and
    /// blue; with one or two samples the first is grey.
    case bands(Int)

    /// The number of samples per pixel.
    public var count: Int {
      switch self {
      case .grey: 1
      case .greyAlpha: 2
      case .rgb: 3
      case .rgba: 4
      case .bands(let count): count
      }
    }

    /// Whether the first three samples are red, green and blue. Otherwise the first sample is grey.
    public var isColor: Bool {
      switch self {
      case .grey, .greyAlpha: false
      case .rgb, .rgba: true
      case .bands(let count): count >= 3
      }
    }

    /// Whether the last sample is alpha (opacity).
    public var hasAlpha: Bool { self == .greyAlpha || self == .rgba }
  }

  /// The samples of all pixels, row by row. 0 is black, ``Image/white`` is white.
  public enum Samples: Sendable, Equatable {
    case uint8([UInt8])
    /// 16 bits, native byte order.
    case uint16([UInt16])
    /// Floating-point samples, and integers that are signed or wider than 16 bits.
    case float32([Float])

    /// The number of samples.
    public var count: Int {
      switch self {
      case .uint8(let samples): samples.count
      case .uint16(let samples): samples.count
      case .float32(let samples): samples.count
      }
    }

    /// The default white: the largest integer, or 1 for floating-point samples.
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
  /// The meaning of a pixel's samples.
  public let layout: ChannelLayout
  /// `height * width * layout.count` samples.
  public let samples: Samples
  /// The value of white: 255, 65535, 4095 for a 12-bit file, 1 for floating-point samples. Samples may exceed it.
  public let white: Float

  /// Creates an image from samples.
  ///
  /// - Parameters:
  ///   - width: Width in pixels.
  ///   - height: Height in pixels.
  ///   - layout: The meaning of a pixel's samples.
  ///   - samples: The samples, row by row.
  ///   - white: The value of white; `nil` for ``Samples/defaultWhite``.
  /// - Precondition: `samples.count == width * height * layout.count`, all three are positive, and `white` is positive
  ///   and finite.
  public init(width: Int, height: Int, layout: ChannelLayout, samples: Samples, white: Float? = nil) {
    precondition(width > 0 && height > 0, "width and height must be positive, not \(width)×\(height)")
    precondition(layout.count > 0, "a pixel must have at least one sample: \(layout)")
    precondition(
      samples.count == width * height * layout.count, "\(samples.count) samples for \(width)×\(height) \(layout)")
    let white = white ?? samples.defaultWhite
    precondition(white > 0 && white.isFinite, "white must be positive and finite, not \(white)")
    self.width = width
    self.height = height
    self.layout = layout
    self.samples = samples
    self.white = white
  }

  /// The same samples with another value of white.
  ///
  /// - Precondition: `white` is positive and finite.
  public func withWhite(_ white: Float) -> Image {
    Image(width: width, height: height, layout: layout, samples: samples, white: white)
  }

  /// Bits per sample in memory: 8, 16 or 32.
  public var bitDepth: Int {
    switch samples {
    case .uint8: 8
    case .uint16: 16
    case .float32: 32
    }
  }
}

extension Image: CustomStringConvertible {
  /// The size, layout and sample type.
  public var description: String { "Image(\(width)×\(height), \(layout), \(bitDepth) bits, white \(white))" }
}
