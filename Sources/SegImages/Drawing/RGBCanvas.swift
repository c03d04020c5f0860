import SegEngine

/// An 8-bit RGB image that is drawn into.
struct RGBCanvas {
  let width: Int
  let height: Int
  private var samples: [UInt8]

  /// Makes a canvas of one colour.
  init(width: Int, height: Int, _ color: Palette.Color) {
    self.width = width
    self.height = height
    samples = []
    samples.reserveCapacity(width * height * 3)
    for _ in 0..<width * height { samples += [color.red, color.green, color.blue] }
  }

  var image: Image { Image(width: width, height: height, layout: .rgb, samples: .uint8(samples)) }

  /// Copies an image of 8-bit RGB samples into the top left corner.
  ///
  /// - Precondition: The image is not larger than the canvas.
  mutating func copy(_ rgb: [UInt8], width imageWidth: Int) {
    guard imageWidth != width else { return samples.replaceSubrange(..<rgb.count, with: rgb) }
    for (row, start) in stride(from: 0, to: rgb.count, by: imageWidth * 3).enumerated() {
      samples.replaceSubrange(
        row * width * 3..<(row * width + imageWidth) * 3, with: rgb[start..<start + imageWidth * 3])
    }
  }

  /// Fills the part of a rectangle that lies in the canvas.
  mutating func fill(rows: Range<Int>, columns: Range<Int>, _ color: Palette.Color) {
    let (rows, columns) = (rows.clamped(to: 0..<height), columns.clamped(to: 0..<width))
    for row in rows {
      for column in columns {
        let pixel = (row * width + column) * 3
        samples[pixel] = color.red
        samples[pixel + 1] = color.green
        samples[pixel + 2] = color.blue
      }
    }
  }

  /// Draws text whose first glyph has its top left corner at a pixel. Each pixel of the font is a square of `scale` pixels.
  mutating func draw(_ text: String, row: Int, column: Int, scale: Int, font: BitmapFont, _ color: Palette.Color) {
    for (index, character) in text.enumerated() {
      let left = column + index * BitmapFont.width * scale
      for (line, bits) in font.glyph(character).rows.enumerated() {
        for bit in 0..<BitmapFont.width where bits >> (BitmapFont.width - 1 - bit) & 1 == 1 {
          let (y, x) = (row + line * scale, left + bit * scale)
          fill(rows: y..<y + scale, columns: x..<x + scale, color)
        }
      }
    }
  }
}
