import CGIFShim
import SegEngine
import SegFiles

/// A GIF file with a validated header of the first frame and an accepted size.
///
/// The pixels can be read only once, so only one of the `decode` functions may be called, once.
final class GIFDecoder {
  private let file: FileBytes
  private let path: String
  private let reader: OpaquePointer
  private let header: segio_gif_header
  /// The size of the screen in pixels, enlarged to contain the frame.
  private let width, height: Int

  init(_ file: FileBytes, named path: String, limits: ImageLimits) throws(ImageError) {
    var header = segio_gif_header()
    var message = MessageBuffer(capacity: Int(SEGIO_GIF_MESSAGE_SIZE))
    guard let reader = segio_gif_open(file.bytes.baseAddress, file.count, &header, &message.bytes) else {
      throw ImageError(path, .corrupt(format: "GIF", reason: message.text))
    }
    self.file = file
    self.path = path
    self.reader = reader
    self.header = header
    width = max(Int(header.screen_width), Int(header.left + header.width))
    height = max(Int(header.screen_height), Int(header.top + header.height))
    guard header.width > 0, header.height > 0 else {
      throw ImageError(path, .corrupt(format: "GIF", reason: "its first frame has no pixels"))
    }
    try limits.check(width: width, height: height, of: path)
    // A code of twelve bits represents at most 4096 pixels.
    guard Int(header.width) * Int(header.height) / 4096 <= 8 * file.count else {
      throw ImageError(
        path, .corrupt(format: "GIF", reason: "\(file.count) bytes cannot hold \(header.width)×\(header.height) pixels")
      )
    }
  }

  deinit { segio_gif_close(reader) }

  /// Decodes the first frame on its screen. Other pixels of the screen are transparent or have the first colour of the palette, as in
  /// Pillow. A file without a palette is grey.
  func decodeColors(_ warnings: inout [ImageWarning.Kind]) throws(ImageError) -> Image {
    let indices = try decodeIndices(&warnings)
    let transparent = header.transparent_index
    let count = Int(header.color_count)
    let colors = withUnsafeBytes(of: header.colors) { bytes in
      (0..<256).map { index -> (UInt8, UInt8, UInt8) in
        if count == 0 { return (UInt8(index), UInt8(index), UInt8(index)) }
        return index < count ? (bytes[3 * index], bytes[3 * index + 1], bytes[3 * index + 2]) : (0, 0, 0)
      }
    }
    let layout: Image.ChannelLayout = transparent >= 0 ? .rgba : .rgb
    var samples: [UInt8] = []
    samples.reserveCapacity(indices.count * layout.count)
    for index in indices {
      let (red, green, blue) = colors[Int(index)]
      samples.append(red)
      samples.append(green)
      samples.append(blue)
      if layout == .rgba { samples.append(Int32(index) == transparent ? 0 : 255) }
    }
    return Image(width: width, height: height, layout: layout, samples: .uint8(samples))
  }

  /// Decodes the palette indices of the screen.
  func decodeStoredValues(_ warnings: inout [ImageWarning.Kind]) throws(ImageError) -> StoredValues {
    StoredValues(
      width: width, height: height, .uint8(try decodeIndices(&warnings)), areIndices: header.color_count > 0)
  }

  private func decodeIndices(_ warnings: inout [ImageWarning.Kind]) throws(ImageError) -> [UInt8] {
    var message = MessageBuffer(capacity: Int(SEGIO_GIF_MESSAGE_SIZE))
    let (frameWidth, frameHeight) = (Int(header.width), Int(header.height))
    var frame = [UInt8](repeating: 0, count: frameWidth * frameHeight)
    guard segio_gif_read(reader, &frame, &message.bytes) else {
      throw ImageError(path, .corrupt(format: "GIF", reason: message.text))
    }
    if segio_gif_has_more(reader) { warnings.append(.furtherFrames) }
    if frameWidth == width, frameHeight == height { return frame }
    var screen = [UInt8](repeating: UInt8(max(0, header.transparent_index)), count: width * height)
    for row in 0..<frameHeight {
      let start = (Int(header.top) + row) * width + Int(header.left)
      screen.replaceSubrange(start..<start + frameWidth, with: frame[row * frameWidth..<(row + 1) * frameWidth])
    }
    return screen
  }
}
