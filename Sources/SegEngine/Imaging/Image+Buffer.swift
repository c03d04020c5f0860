extension Image {
  /// The order of a pixel's samples in a buffer of another program, such as a camera's or a window system's.
  public enum ChannelOrder: Sendable, Hashable, CaseIterable {
    case grey
    case greyAlpha
    case rgb
    case bgr
    case rgba
    case bgra
    case argb
    case abgr
    /// Red, green, blue and a byte without meaning.
    case rgbx
    /// Blue, green, red and a byte without meaning.
    case bgrx

    /// Bytes of a pixel.
    public var count: Int {
      switch self {
      case .grey: 1
      case .greyAlpha: 2
      case .rgb, .bgr: 3
      case .rgba, .bgra, .argb, .abgr, .rgbx, .bgrx: 4
      }
    }

    /// Where the samples of the image's layout stand in a pixel.
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

  /// Copies an image out of a buffer of 8-bit samples.
  ///
  /// - Parameters:
  ///   - pixels: The buffer; the first pixel is at its beginning. Alpha is straight, not premultiplied.
  ///   - width: Width in pixels.
  ///   - height: Height in pixels.
  ///   - order: The order of a pixel's samples.
  ///   - bytesPerRow: Bytes from the beginning of a row to that of the next; `nil` where rows adjoin.
  /// - Precondition: `width` and `height` are positive, `bytesPerRow` is at least `width * order.count`, and the buffer holds all rows.
  public init(pixels: RawSpan, width: Int, height: Int, order: ChannelOrder, bytesPerRow: Int? = nil) {
    precondition(width > 0 && height > 0, "an image has pixels: \(width)×\(height)")
    let rowBytes = width * order.count
    let stride = bytesPerRow ?? rowBytes
    precondition(stride >= rowBytes, "\(stride) bytes are no row of \(width) pixels of \(order.count) bytes")
    precondition(
      pixels.byteCount >= (height - 1) * stride + rowBytes,
      "\(pixels.byteCount) bytes are not \(height) rows of \(stride) bytes")
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
