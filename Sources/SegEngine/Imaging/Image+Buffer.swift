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

    /// The byte offsets in a pixel of the samples, in the order of the image's layout.
    fileprivate var places: [Int] {
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

    fileprivate var layout: ChannelLayout {
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
  ///   - width: Width in pixels.
  ///   - height: Height in pixels.
  ///   - order: The order of a pixel's samples.
  ///   - bytesPerRow: The distance from one row to the next, in bytes; `nil` if rows adjoin.
  /// - Precondition: `width` and `height` are positive, `bytesPerRow` is at least `width * order.count`, and the buffer
  ///   contains all rows.
  public init(pixels: RawSpan, width: Int, height: Int, order: ChannelOrder, bytesPerRow: Int? = nil) {
    precondition(width > 0 && height > 0, "width and height must be positive, not \(width)×\(height)")
    let rowBytes = width * order.count
    let stride = bytesPerRow ?? rowBytes
    precondition(
      stride >= rowBytes, "bytesPerRow must be at least \(width) pixels of \(order.count) bytes, not \(stride)")
    precondition(
      pixels.byteCount >= (height - 1) * stride + rowBytes,
      "a buffer of \(pixels.byteCount) bytes is too small for \(height) rows of \(stride) bytes")
    let places = order.places
    let samples = [UInt8](unsafeUninitializedCapacity: width * height * places.count) { target, count in
      pixels.withUnsafeBytes { source in
        for row in 0..<height {
          for column in 0..<width {
            let pixel = row * stride + column * order.count
            for place in places {
              target[count] = source[pixel + place]
              count += 1
            }
          }
        }
      }
    }
    self.init(width: width, height: height, layout: order.layout, samples: .uint8(samples))
  }
}
