import CEXIF
import SegEngine

/// The orientation of a file's rows and columns in the picture. The values are those of the EXIF and TIFF tag `Orientation` (274). They
/// name the side of the picture on which the file's first row and first column are.
enum ImageOrientation: UInt16 {
  case upright = 1
  case mirrored = 2
  case upsideDown = 3
  case flipped = 4
  case transposed = 5
  case turnedClockwise = 6
  case transposedUpsideDown = 7
  case turnedCounterclockwise = 8

  /// Reads the orientation of an EXIF block, or else of an XMP packet; upright if neither states one.
  init(exif: some Collection<UInt8>, xmp: some Collection<UInt8>) {
    self = ImageOrientation(exif: exif) ?? ImageOrientation(xmp: xmp) ?? .upright
  }

  /// Reads the orientation of an EXIF block, which begins with a TIFF header, optionally after `Exif`; `nil` if it states no valid one.
  init?(exif: some Collection<UInt8>) {
    let name = Array("Exif\0\0".utf8)
    guard !exif.isEmpty, exif.count <= 1 << 24 else { return nil }
    let block = exif.starts(with: name) ? Array(exif) : name + exif
    guard let data = exif_data_new_from_data(block, UInt32(block.count)) else { return nil }
    defer { exif_data_unref(data) }
    guard let mainDirectory = data.pointee.ifd.0,
      let entry = exif_content_get_entry(mainDirectory, EXIF_TAG_ORIENTATION),
      entry.pointee.format == EXIF_FORMAT_SHORT, entry.pointee.size >= 2, let value = entry.pointee.data
    else { return nil }
    self.init(rawValue: exif_get_short(value, exif_data_get_byte_order(data)))
  }

  /// Reads the orientation of an XMP packet, as an attribute or an element; `nil` if it states no valid one.
  init?(xmp: some Collection<UInt8>) {
    let text = String(decoding: xmp, as: UTF8.self)
    guard let match = text.firstMatch(of: /tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\b/), let value = UInt16(match.1)
    else { return nil }
    self.init(rawValue: value)
  }

  /// Whether columns of the file are rows of the picture.
  var swapsAxes: Bool { rawValue >= 5 }

  /// Returns the position in the file of a pixel of the picture. `height` and `width` are the file's.
  func source(row: Int, column: Int, height: Int, width: Int) -> (row: Int, column: Int) {
    switch self {
    case .upright: (row, column)
    case .mirrored: (row, width - 1 - column)
    case .upsideDown: (height - 1 - row, width - 1 - column)
    case .flipped: (height - 1 - row, column)
    case .transposed: (column, row)
    case .turnedClockwise: (height - 1 - column, row)
    case .transposedUpsideDown: (height - 1 - column, width - 1 - row)
    case .turnedCounterclockwise: (column, width - 1 - row)
    }
  }

  /// Returns the samples of a file in the order of the picture. `height` and `width` are the file's.
  func turned<Sample>(_ samples: [Sample], width: Int, height: Int, channels: Int) -> [Sample] {
    guard self != .upright else { return samples }
    let (rows, columns) = swapsAxes ? (width, height) : (height, width)
    var result: [Sample] = []
    result.reserveCapacity(samples.count)
    for row in 0..<rows {
      for column in 0..<columns {
        let source = source(row: row, column: column, height: height, width: width)
        let start = (source.row * width + source.column) * channels
        for channel in 0..<channels { result.append(samples[start + channel]) }
      }
    }
    return result
  }
}

extension Image {
  /// Returns the picture of a file with this orientation.
  func applying(_ orientation: ImageOrientation) -> Image {
    guard orientation != .upright else { return self }
    func turned<Sample>(_ samples: [Sample]) -> [Sample] {
      orientation.turned(samples, width: width, height: height, channels: layout.count)
    }
    let samples: Samples =
      switch samples {
      case .uint8(let samples): .uint8(turned(samples))
      case .uint16(let samples): .uint16(turned(samples))
      case .float32(let samples): .float32(turned(samples))
      }
    return Image(
      width: orientation.swapsAxes ? height : width, height: orientation.swapsAxes ? width : height, layout: layout,
      samples: samples, white: white)
  }
}
