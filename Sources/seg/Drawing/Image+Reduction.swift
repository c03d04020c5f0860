import SegEngine

extension Image {
  /// The image as 8-bit RGB.
  var rgb: Image { Image(width: width, height: height, layout: .rgb, samples: .uint8(rgb8())) }

  /// The image in dark grey, on which all colours of errors stand out: the mean of red, green and blue times 0.4.
  var dimmedGrey: Image {
    let colors = rgb8()
    let grey = stride(from: 0, to: colors.count, by: 3).map { pixel -> UInt8 in
      let sum = colors[pixel..<pixel + 3].reduce(0) { $0 + Int($1) }
      return UInt8(sum * 2 / 15)
    }
    return Image(width: width, height: height, layout: .grey, samples: .uint8(grey))
  }

  /// Returns an 8-bit image whose width and height are at most `extent`. Each pixel is the mean of a square of this image's pixels.
  func reduced(to extent: Int) -> Image {
    let factor = (max(width, height) + extent - 1) / extent
    guard factor > 1, case .uint8(let samples) = samples else { return self }
    let channels = layout.count
    let (reducedWidth, reducedHeight) = ((width + factor - 1) / factor, (height + factor - 1) / factor)
    var result: [UInt8] = []
    result.reserveCapacity(reducedWidth * reducedHeight * channels)
    for row in 0..<reducedHeight {
      let rows = row * factor..<min(height, (row + 1) * factor)
      for column in 0..<reducedWidth {
        let columns = column * factor..<min(width, (column + 1) * factor)
        for channel in 0..<channels {
          var sum = 0
          for y in rows { for x in columns { sum += Int(samples[(y * width + x) * channels + channel]) } }
          let count = rows.count * columns.count
          result.append(UInt8((sum + count / 2) / count))
        }
      }
    }
    return Image(width: reducedWidth, height: reducedHeight, layout: layout, samples: .uint8(result))
  }
}
