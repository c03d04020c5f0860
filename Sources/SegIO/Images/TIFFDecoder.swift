import CTIFFShim
import SegEngine

/// The first page of a TIFF file, whose header has been read and found acceptable.
///
/// Read: unsigned samples of 8 or 16 bits, grey, palette, RGB, each with or without alpha, in strips or tiles,
/// interleaved or planar, under any compression that libtiff was built with; and 1, 2 or 4 bits where a pixel has one
/// sample.
final class TIFFDecoder {
  private let file: FileBytes
  private let path: String
  private let tiff: OpaquePointer
  private let header: segio_tiff_header
  private let photometric: Photometric

  private enum Photometric: UInt16 {
    case whiteIsZero = 0
    case blackIsZero = 1
    case rgb = 2
    case palette = 3

    var samples: Int { self == .rgb ? 3 : 1 }
  }

  /// What is made of the samples behind the colours.
  private enum Extra { case none, ignored, alpha, premultiplyingAlpha }

  init(_ file: FileBytes, named path: String, limits: ImageLimits) throws(ImageError) {
    var header = segio_tiff_header()
    var message = MessageBuffer(capacity: Int(SEGIO_TIFF_MESSAGE_SIZE))
    // The largest thing libtiff allocates is a strip or tile, of at most four samples of two bytes a pixel.
    let allocation = limits.maximumPixels.multipliedReportingOverflow(by: 16)
    let maximumAllocation = allocation.overflow ? Int.max : max(allocation.partialValue, 1 << 20)
    guard let tiff = segio_tiff_open(file.bytes.baseAddress, file.count, maximumAllocation, &header, &message.bytes)
    else { throw ImageError(path, .corrupt(format: "TIFF", reason: message.text)) }
    self.file = file
    self.path = path
    self.tiff = tiff
    self.header = header
    // Everything is set before the first throw, so that `deinit` closes the file.
    let known = Photometric(rawValue: header.photometric)
    photometric = known ?? .blackIsZero
    let (width, height) = (Int(header.width), Int(header.height))
    guard width > 0, height > 0 else { throw ImageError(path, .corrupt(format: "TIFF", reason: "it has no pixels")) }
    try limits.check(width: width, height: height, of: path)
    guard header.has_photometric, known != nil else {
      let names: [UInt16: String] = [
        5: "CMYK", 6: "YCbCr without JPEG", 8: "CIELab", 9: "ICCLab", 32844: "LogL", 32845: "LogLuv",
      ]
      let name = names[header.photometric] ?? "number \(header.photometric)"
      throw unsupported("photometric interpretation \(header.has_photometric ? name : "missing")")
    }
    guard header.sample_format == 1 || header.sample_format == 4 else {
      throw unsupported(
        header.sample_format == 3 ? "floating-point samples" : "samples that are not unsigned integers")
    }
    let bits = Int(header.bits)
    guard bits == 8 || bits == 16 || ([1, 2, 4].contains(bits) && header.samples == 1 && photometric != .rgb) else {
      throw unsupported("\(header.samples) samples a pixel of \(bits) bits")
    }
    guard photometric != .palette || bits <= 8 else { throw unsupported("a palette of \(bits) bits") }
    _ = try extra()
    try checkBlocks()
  }

  deinit { segio_tiff_close(tiff) }

  /// Whether a pixel is one grey value or one palette index, without alpha.
  var isSingleChannel: Bool { photometric != .rgb && header.samples == 1 }

  /// The image with its colours, upright: palettes expanded, white-is-zero inverted, fewer than 8 bits scaled to 8, 16
  /// bits exact, premultiplied alpha divided out.
  func decodeColors() throws(ImageError) -> Image {
    let image: Image
    if header.bits == 16 {
      image = try colors(of: try decodeSamples(UInt16.self)) { .uint16($0) }
    } else if photometric == .palette {
      image = try expandingPalette(try decodeSamples(UInt8.self))
    } else {
      var samples = try decodeSamples(UInt8.self)
      if header.bits < 8 {
        let scale = 255 / UInt8((1 << header.bits) - 1)
        for index in samples.indices { samples[index] *= scale }
      }
      image = try colors(of: samples) { .uint8($0) }
    }
    return image.applying(ImageOrientation(rawValue: header.orientation) ?? .upright)
  }

  /// Palette indices or grey values as the file stores them, unscaled, upright. White-is-zero is inverted.
  ///
  /// - Precondition: the file has one channel.
  func decodeRawValues() throws(ImageError) -> LabelMap {
    precondition(isSingleChannel, "raw values are those of a single channel")
    var labels: [UInt16] =
      header.bits == 16 ? try decodeSamples(UInt16.self) : try decodeSamples(UInt8.self).map(UInt16.init)
    if photometric == .whiteIsZero {
      let white = UInt16(truncatingIfNeeded: (1 << Int(header.bits)) - 1)
      for index in labels.indices { labels[index] = white - labels[index] }
    }
    let image = Image(
      width: Int(header.width), height: Int(header.height), layout: .grey, samples: .uint16(labels)
    ).applying(ImageOrientation(rawValue: header.orientation) ?? .upright)
    guard case .uint16(let upright) = image.samples else { throw unsupported("samples of two sizes") }
    return LabelMap(width: image.width, height: image.height, labels: upright)
  }

  private func unsupported(_ reason: String) -> ImageError {
    ImageError(path, .unsupported(format: "TIFF", reason: reason))
  }

  private func corrupt(_ reason: String) -> ImageError {
    ImageError(path, .corrupt(format: "TIFF", reason: reason))
  }

  private func extra() throws(ImageError) -> Extra {
    switch Int(header.samples) - photometric.samples {
    case 0: return .none
    case 1 where header.extra_count == 0: return .alpha
    case 1 where header.first_extra == 1: return .premultiplyingAlpha
    case 1 where header.first_extra == 2: return .alpha
    case 1 where photometric == .rgb: return .ignored
    default: throw unsupported("\(header.samples) channels, of which only \(photometric.samples) have a meaning")
    }
  }

  /// Strips and tiles must be of the size that the header implies, and there must be enough of them.
  private func checkBlocks() throws(ImageError) {
    let (blockWidth, blockHeight) = (Int(header.block_width), Int(header.block_height))
    guard blockWidth > 0, blockHeight > 0 else { throw corrupt("strips or tiles without pixels") }
    let samples = header.is_planar ? 1 : Int(header.samples)
    // Extents and samples are of 32 and 16 bits.
    let (rowBits, overflow) = (blockWidth * samples).multipliedReportingOverflow(by: Int(header.bits))
    let (bytes, overflow2) = ((rowBits + 7) / 8).multipliedReportingOverflow(by: blockHeight)
    // A tile may overhang the image, but one that is far larger than it is no honest file.
    let (width, height) = (Int(header.width), Int(header.height))
    guard !overflow, !overflow2, UInt64(bytes) == header.block_bytes, blockWidth <= max(2 * width, 4096),
      blockHeight <= max(2 * height, 4096)
    else { throw corrupt("strips or tiles of \(blockWidth)×\(blockHeight)") }
    let across = (width + blockWidth - 1) / blockWidth
    let down = (height + blockHeight - 1) / blockHeight
    let needed = across * down * (header.is_planar ? Int(header.samples) : 1)
    guard Int(header.block_count) == needed else {
      throw corrupt("\(header.block_count) strips or tiles instead of \(needed)")
    }
  }

  /// All samples, interleaved, one element each whatever their size in the file.
  private func decodeSamples<Sample: FixedWidthInteger & UnsignedInteger>(
    _ type: Sample.Type
  ) throws(ImageError) -> [Sample] {
    let (width, height, channels) = (Int(header.width), Int(header.height), Int(header.samples))
    let (blockWidth, blockHeight) = (Int(header.block_width), Int(header.block_height))
    let across = (width + blockWidth - 1) / blockWidth
    let down = (height + blockHeight - 1) / blockHeight
    let channelsInBlock = header.is_planar ? 1 : channels
    let bits = Int(header.bits)
    let rowBytes = (blockWidth * channelsInBlock * bits + 7) / 8
    var samples = [Sample](repeating: 0, count: width * height * channels)
    var block = [UInt8](repeating: 0, count: Int(header.block_bytes))
    var message = MessageBuffer(capacity: Int(SEGIO_TIFF_MESSAGE_SIZE))
    for plane in 0..<(header.is_planar ? channels : 1) {
      for blockRow in 0..<down {
        let rows = min(blockHeight, height - blockRow * blockHeight)
        for blockColumn in 0..<across {
          let columns = min(blockWidth, width - blockColumn * blockWidth)
          let index = UInt32((plane * down + blockRow) * across + blockColumn)
          // The last strip holds the rows that are left; a tile is always whole.
          let size = rowBytes * (header.is_tiled ? blockHeight : rows)
          guard segio_tiff_read_block(tiff, index, &block, size, &message.bytes) else { throw corrupt(message.text) }
          block.withUnsafeBytes { block in
            for row in 0..<rows {
              let first = ((blockRow * blockHeight + row) * width + blockColumn * blockWidth) * channels + plane
              let source = UnsafeRawBufferPointer(rebasing: block[(row * rowBytes)..<((row + 1) * rowBytes)])
              for position in 0..<(columns * channelsInBlock) {
                let target = first + (header.is_planar ? position * channels : position)
                samples[target] = TIFFDecoder.sample(position, bits: bits, of: source)
              }
            }
          }
        }
      }
    }
    return samples
  }

  /// A sample of a row: packed from the high bit where it has fewer than 8 bits (TIFF 6.0, FillOrder 1, which libtiff
  /// establishes), native byte order where it has 16.
  @inline(__always)
  private static func sample<Sample: FixedWidthInteger & UnsignedInteger>(
    _ position: Int, bits: Int, of row: UnsafeRawBufferPointer
  ) -> Sample {
    switch bits {
    case 16: return Sample(truncatingIfNeeded: row.loadUnaligned(fromByteOffset: 2 * position, as: UInt16.self))
    case 8: return Sample(truncatingIfNeeded: row[position])
    default:
      let bit = position * bits
      return Sample(truncatingIfNeeded: Int(row[bit / 8]) >> (8 - bits - bit % 8) & ((1 << bits) - 1))
    }
  }

  private func colors<Sample: FixedWidthInteger & UnsignedInteger>(
    of samples: consuming [Sample], _ wrap: ([Sample]) -> Image.Samples
  ) throws(ImageError) -> Image {
    let channels = Int(header.samples)
    let colors = photometric.samples
    let extra = try extra()
    if photometric == .whiteIsZero {
      for pixel in stride(from: 0, to: samples.count, by: channels) { samples[pixel] = Sample.max - samples[pixel] }
    }
    switch extra {
    case .none, .alpha: break
    case .premultiplyingAlpha:
      for pixel in stride(from: 0, to: samples.count, by: channels) {
        let alpha = Int(samples[pixel + colors])
        guard alpha > 0 else { continue }
        for index in pixel..<(pixel + colors) {
          let straight = (Int(samples[index]) * Int(Sample.max) + alpha / 2) / alpha
          samples[index] = Sample(min(straight, Int(Sample.max)))
        }
      }
    case .ignored:
      var kept: [Sample] = []
      kept.reserveCapacity(samples.count / channels * colors)
      for pixel in stride(from: 0, to: samples.count, by: channels) {
        kept.append(contentsOf: samples[pixel..<(pixel + colors)])
      }
      samples = kept
    }
    let count = extra == .none || extra == .ignored ? colors : colors + 1
    let layout: Image.ChannelLayout = [.grey, .greyAlpha, .rgb, .rgba][count - 1]
    return Image(width: Int(header.width), height: Int(header.height), layout: layout, samples: wrap(samples))
  }

  private func expandingPalette(_ indices: [UInt8]) throws(ImageError) -> Image {
    guard isSingleChannel else { throw unsupported("a palette with further channels") }
    var red: UnsafePointer<UInt16>?
    var green: UnsafePointer<UInt16>?
    var blue: UnsafePointer<UInt16>?
    guard segio_tiff_color_map(tiff, &red, &green, &blue), let red, let green, let blue else {
      throw corrupt("a palette image without a colour map")
    }
    var samples: [UInt8] = []
    samples.reserveCapacity(indices.count * 3)
    for index in indices {
      for channel in [red, green, blue] { samples.append(UInt8(channel[Int(index)] >> 8)) }
    }
    return Image(width: Int(header.width), height: Int(header.height), layout: .rgb, samples: .uint8(samples))
  }
}
