extension Image {
  /// The order of a pixel's samples in a buffer, for instance of a camera or a window system.
  public enum ChannelOrder: Sendable, Hashable, CaseIterable {
    case grey
    case greyAlpha
    case rgb
    case bgr
    case rgba
    case bgra
    case argb
    case abgr
    /// Red, green, blue and an unused byte.
    case rgbx
    /// Blue, green, red and an unused byte.
    case bgrx

    /// The bytes per pixel.
    public var count: Int {
      switch self {
      case .grey: 1
      case .greyAlpha: 2
      case .rgb, .bgr: 3
      case .rgba, .bgra, .argb, .abgr, .rgbx, .bgrx: 4
      }
    }

    /// The byte offsets in a pixel of the samples, in the order of ``layout``.
    package var offsets: [Int] {
      switch self {
      case .grey: [0]
      case .greyAlpha: [0, 1]
      case .rgb, .rgbx: [0, 1, 2]
      case .bgr, .bgrx: [2, 1, 0]
      case .rgba: [0, 1, 2, 3]
      case .bgra: [2, 1, 0, 3]
      case .argb: [1, 2, 3, 0]
      case .abgr: [3, 2, 1, 0]
      }
    }

    /// The layout of an image of these samples.
    package var layout: ChannelLayout {
      switch self {
      case .grey: .grey
      case .greyAlpha: .greyAlpha
      case .rgb, .bgr, .rgbx, .bgrx: .rgb
      case .rgba, .bgra, .argb, .abgr: .rgba
      }
    }
  }

  /// Creates an image by copying a buffer of 8-bit samples.
  ///
  /// - Parameters:
  ///   - pixels: The buffer, starting with the first pixel. Alpha is straight, not premultiplied.
  ///   - layout: The size and order of the pixels.
  /// - Precondition: The buffer contains all rows.
  public init(pixels: RawSpan, layout: PixelLayout) {
    layout.checkContains(pixels)
    let (offsets, stride) = (layout.order.offsets, layout.order.count)
    let samples = [UInt8](unsafeUninitializedCapacity: layout.width * layout.height * offsets.count) { target, count in
      pixels.withUnsafeBytes { source in
        for row in 0..<layout.height {
          for pixel in 0..<layout.width {
            let first = row * layout.bytesPerRow + pixel * stride
            for offset in offsets {
              target[count] = source[first + offset]
              count += 1
            }
          }
        }
      }
    }
    self.init(width: layout.width, height: layout.height, layout: layout.order.layout, samples: .uint8(samples))
  }

  /// Creates an image by copying a buffer of 8-bit samples.
  ///
  /// - Parameters:
  ///   - pixels: The buffer, starting with the first pixel. Alpha is straight, not premultiplied.
  ///   - width: Width in pixels.
  ///   - height: Height in pixels.
  ///   - order: The order of a pixel's samples.
  ///   - bytesPerRow: The distance from one row to the next, in bytes; `nil` if rows adjoin.
  /// - Precondition: `width` and `height` are positive, `bytesPerRow` is at least `width * order.count`, and the buffer
  ///   contains all rows.
  public init(pixels: RawSpan, width: Int, height: Int, order: ChannelOrder, bytesPerRow: Int? = nil) {
    self.init(
      pixels: pixels, layout: PixelLayout(width: width, height: height, order: order, bytesPerRow: bytesPerRow))
  }
}
