/// A decoded photograph or micrograph: interleaved samples, rows from the top.
public struct Image: Sendable, Equatable {
  /// What the samples of a pixel mean, in the order in which they lie.
  public enum ChannelLayout: Int, Sendable, CaseIterable {
    case grey = 1
    case greyAlpha = 2
    case rgb = 3
    case rgba = 4

    /// Samples a pixel.
    public var count: Int { rawValue }
  }

  /// The samples of all pixels, row by row, 8 or 16 bits each (native byte order, full range: 0 is black, 255 or 65535 white).
  public enum Samples: Sendable, Equatable {
    case uint8([UInt8])
    case uint16([UInt16])

    /// Number of samples.
    public var count: Int {
      switch self {
      case .uint8(let samples): samples.count
      case .uint16(let samples): samples.count
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

  /// Makes an image of given samples.
  ///
  /// - Precondition: `samples.count == width * height * layout.count`, and both extents are positive.
  public init(width: Int, height: Int, layout: ChannelLayout, samples: Samples) {
    precondition(width > 0 && height > 0, "an image has pixels: \(width)×\(height)")
    precondition(
      samples.count == width * height * layout.count, "\(samples.count) samples for \(width)×\(height) \(layout)")
    self.width = width
    self.height = height
    self.layout = layout
    self.samples = samples
  }

  /// Bits a sample: 8 or 16.
  public var bitDepth: Int {
    switch samples {
    case .uint8: 8
    case .uint16: 16
    }
  }
}
