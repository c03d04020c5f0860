/// A font of fixed width whose glyphs are bitmaps.
struct BitmapFont: Sendable {
  /// The pixels of a character.
  struct Glyph: Sendable, Equatable {
    /// A byte for each row from the top. Bit 7 is the leftmost pixel.
    let rows: [UInt8]
  }

  /// The width of a glyph, in pixels.
  static let width = 8
  /// The height of a glyph with the space between lines, in pixels.
  static let height = 16

  /// The glyph of characters that the font does not have: the outline of a box.
  static let box = Glyph(rows: [0, 0, 0, 0x7e] + Array(repeating: 0x42, count: 8) + [0x7e, 0, 0, 0])

  private let glyphs: [Character: Glyph]

  /// Creates a font from lines of a code point and glyphs, in hexadecimal digits and separated by spaces. The glyphs are
  /// those of the code point and of the following ones.
  ///
  /// - Precondition: Every glyph has 16 bytes.
  init(glyphs text: String) {
    var glyphs: [Character: Glyph] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard let first = UInt32(words[0], radix: 16) else { preconditionFailure("\(words[0]) is not a code point") }
      for (code, word) in zip(first..., words.dropFirst()) {
        guard let scalar = Unicode.Scalar(code), word.utf8.count == 2 * Self.height, let bits = UInt128(word, radix: 16)
        else { preconditionFailure("\(word) is not a glyph") }
        let rows = (0..<Self.height).map { UInt8(truncatingIfNeeded: bits >> (8 * (Self.height - 1 - $0))) }
        glyphs[Character(scalar)] = Glyph(rows: rows)
      }
    }
    self.glyphs = glyphs
  }

  /// The glyph of a character, or ``box``. Characters that are composed of several code points are found too, because
  /// characters that are canonically equivalent are equal.
  func glyph(_ character: Character) -> Glyph { glyphs[character] ?? Self.box }
}
