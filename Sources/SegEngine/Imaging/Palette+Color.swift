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
