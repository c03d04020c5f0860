import CTurboJPEG
import SegEngine

/// Decodes JPEG files to grey or RGB of 8 bits.
enum JPEGDecoder {
  /// The image as its photographer saw it: the EXIF orientation is applied.
  static func decode(_ file: FileBytes, named path: String, limits: ImageLimits) throws(ImageError) -> Image {
    guard let decoder = tjInitDecompress() else {
      throw ImageError(path, .corrupt(format: "JPEG", reason: "the decoder cannot be started"))
    }
    defer {
      tjDestroy(decoder)
      withExtendedLifetime(file) {}
    }
    let bytes = file.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
    var width: CInt = 0
    var height: CInt = 0
    var subsampling: CInt = 0
    var colorspace: CInt = 0
    guard
      tjDecompressHeader3(decoder, bytes, UInt(file.count), &width, &height, &subsampling, &colorspace) == 0
        || tjGetErrorCode(decoder) == Int32(TJERR_WARNING.rawValue), width > 0, height > 0
    else {
      throw ImageError(path, .corrupt(format: "JPEG", reason: message(of: decoder)))
    }
    try limits.check(width: Int(width), height: Int(height), of: path)
    let layout: Image.ChannelLayout
    switch colorspace {
    case Int32(TJCS_GRAY.rawValue): layout = .grey
    case Int32(TJCS_YCbCr.rawValue), Int32(TJCS_RGB.rawValue): layout = .rgb
    default:
      throw ImageError(path, .unsupported(format: "JPEG", reason: "CMYK colours; convert the file to RGB"))
    }
    var samples = [UInt8](repeating: 0, count: Int(width) * Int(height) * layout.count)
    let pixelFormat = layout == .grey ? TJPF_GRAY.rawValue : TJPF_RGB.rawValue
    // The limit on scans stops progressive files that make the decoder go over the image thousands of times.
    let flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS
    let markers = JPEGMarkers(file.bytes)
    let status = tjDecompress2(
      decoder, bytes, UInt(file.count), &samples, width, 0, height, Int32(pixelFormat), flags)
    guard status == 0 || (isHarmless(decoder) && markers.isClosed) else {
      throw ImageError(path, .corrupt(format: "JPEG", reason: message(of: decoder)))
    }
    let image = Image(width: Int(width), height: Int(height), layout: layout, samples: .uint8(samples))
    return image.applying(markers.exif.flatMap(ImageOrientation.init(exif:)) ?? .upright)
  }

  /// Cameras and editors are known to leave stray bytes between segments; every other complaint of the decoder means
  /// that pixels are missing or made up.
  private static func isHarmless(_ decoder: tjhandle) -> Bool {
    tjGetErrorCode(decoder) == Int32(TJERR_WARNING.rawValue) && message(of: decoder).contains("extraneous bytes before")
  }

  private static func message(of decoder: tjhandle) -> String {
    tjGetErrorStr2(decoder).map { oneLine(String(cString: $0)) } ?? "the decoder gives no reason"
  }
}
