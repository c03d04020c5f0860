/// The colours of labels in images: label *i* has the *i*-th colour.
public struct Palette: Sendable, Hashable {
  /// An sRGB colour with 8 bits per channel.
  public struct Color: Sendable, Hashable {
    /// Red, green and blue, 0 to 255.
    public var red, green, blue: UInt8

    /// Creates a colour from red, green and blue, 0 to 255.
    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
      self.red = red
      self.green = green
      self.blue = blue
    }
  }

  /// The colours by label, at most 256, the limit of a palette PNG.
  public let colors: [Color]

  /// Creates a palette of 1 to 256 colours.
  public init(_ colors: [Color]) {
    precondition(!colors.isEmpty && colors.count <= 256, "a palette must have 1 to 256 colours")
    self.colors = colors
  }

  /// The colour map of the PASCAL VOC data set. Bit 7 − *k* of the three channels comes from bits 3k, 3k+1 and 3k+2 of
  /// the label, so that neighbouring labels have different colours. Label 0 is black and 255 is (224, 224, 192).
  public static let pascalVOC = Palette(
    (0..<256).map { label in
      var color = Color(0, 0, 0)
      for bit in 0..<8 {
        let group = label >> (3 * bit)
        color.red |= UInt8(group & 1) << (7 - bit)
        color.green |= UInt8(group >> 1 & 1) << (7 - bit)
        color.blue |= UInt8(group >> 2 & 1) << (7 - bit)
      }
      return color
    })

  /// The colour of a label. Labels beyond the palette wrap around to 1, so that no other label has the background's
  /// colour.
  public subscript(label: UInt16) -> Color {
    let label = Int(label)
    guard label >= colors.count else { return colors[label] }
    return colors.count == 1 ? colors[0] : colors[1 + (label - 1) % (colors.count - 1)]
  }
}
