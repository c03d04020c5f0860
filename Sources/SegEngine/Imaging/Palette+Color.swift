#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension Palette.Color: LosslessStringConvertible {
  /// Creates a colour from `#rrggbb`, six hexadecimal digits after `#`; `nil` for any other text.
  public init?(_ description: String) {
    guard description.utf8.first == UInt8(ascii: "#"), description.utf8.count == 7 else { return nil }
    self.init(digits: description.dropFirst())
  }

  /// The colour as `#rrggbb` with lower-case digits.
  public var description: String {
    "#"
      + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  fileprivate init?(digits: Substring) {
    // The check for digits excludes a sign, which the conversion would accept.
    guard digits.utf8.count == 6, digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16) else {
      return nil
    }
    self.init(UInt8(value >> 16), UInt8(value >> 8 & 255), UInt8(value & 255))
  }

  /// The linear intensity of each 8-bit sRGB value, from 0 to 1 (IEC 61966-2-1).
  private static let linear: [Double] = (0..<256).map { value in
    let x = Double(value) / 255
    return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4)
  }

  /// The relative luminance in sRGB, from 0 (black) to 1 (white), as defined by WCAG 2.
  package var relativeLuminance: Double {
    0.2126 * Self.linear[Int(red)] + 0.7152 * Self.linear[Int(green)] + 0.0722 * Self.linear[Int(blue)]
  }

  /// The contrast ratio of WCAG 2 between two colours, from 1 to 21. Text needs at least 4.5.
  package func contrast(with other: Palette.Color) -> Double {
    let (first, second) = (relativeLuminance, other.relativeLuminance)
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)
  }
}

extension Palette {
  /// Creates a palette from colours of six hexadecimal digits, separated by white space.
  ///
  /// - Precondition: Every word is a colour, and there are 1 to 256.
  package init(hexadecimal text: String) {
    self.init(
      text.split(whereSeparator: \.isWhitespace).map { word in
        guard let color = Color(digits: word) else { preconditionFailure("\(word) is not a colour of six digits") }
        return color
      })
  }
}
