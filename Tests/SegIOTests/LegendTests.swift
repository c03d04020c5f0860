import SegEngine
import TestSupport
import Testing

@testable import SegImages

@Suite struct LegendTests {
  /// 40 × 30 pixels: three quarters background, then class 1, and one pixel of class 2.
  private let labels = LabelMap(
    width: 40, height: 30, labels: (0..<1200).map { $0 < 900 ? 0 : $0 < 1199 ? 1 : 2 })
  private let image = Image(
    width: 40, height: 30, layout: .grey, samples: .uint8(Array(repeating: 90, count: 1200)))

  private func pixels(_ image: Image) throws -> [Palette.Color] {
    let samples = image.rgb8()
    return stride(from: 0, to: samples.count, by: 3).map {
      Palette.Color(samples[$0], samples[$0 + 1], samples[$0 + 2])
    }
  }

  /// Reads the text whose first glyph has its top left corner at a pixel.
  private func text(_ image: Image, row: Int, column: Int, count: Int, scale: Int, among characters: String) throws
    -> String
  {
    let pixels = try pixels(image)
    return String(
      (0..<count).map { index -> Character in
        let rows = (0..<16).map { y in
          (0..<8).reduce(into: UInt8(0)) { bits, x in
            let pixel = pixels[(row + y * scale) * image.width + column + (index * 8 + x) * scale]
            bits = bits << 1 | (pixel == LegendLayout.ink ? 1 : 0)
          }
        }
        return characters.first { BitmapFont.spleen.glyph($0).rows == rows } ?? "?"
      })
  }

  @Test func theLegendNamesWhatOccurs() throws {
    let classes = ClassList(names: ["background", "Straße", "pôle", "car"])
    let drawn = try image.overlaid(with: labels, classes: classes, legend: Legend(placement: .below, scale: 2))
    // Padding 8, then three lines of 20; swatch 12, gap 6, names of 10, gap 12, shares of 6 characters. Twice that.
    #expect(drawn.width == 2 * (8 + 12 + 6 + 80 + 12 + 48 + 8) && drawn.height == 30 + 2 * (8 + 60 + 8))
    let pixels = try pixels(drawn)
    let overlay = try self.pixels(image.overlaid(with: labels, palette: .distinct))
    for row in 0..<30 {
      #expect(Array(pixels[row * drawn.width..<row * drawn.width + 40]) == Array(overlay[row * 40..<row * 40 + 40]))
    }
    let lines = [
      ("background", "75.0 %", nil), ("Straße", "24.9 %", Palette.distinct[1]), ("pôle", "0.1 %", Palette.distinct[2]),
    ]
    for (index, (name, share, color)) in lines.enumerated() {
      let top = 30 + 2 * (8 + 20 * index)
      let padded = name + String(repeating: " ", count: 10 - name.count)
      let characters = "backgroundStßepôl0123456789.% "
      #expect(try text(drawn, row: top + 4, column: 2 * 26, count: 10, scale: 2, among: characters) == padded)
      let shown = String(repeating: " ", count: 6 - share.count) + share
      #expect(try text(drawn, row: top + 4, column: 2 * 118, count: 6, scale: 2, among: characters) == shown)
      // The middle of the swatch, and its frame.
      #expect(pixels[(top + 20) * drawn.width + 2 * 14] == color ?? LegendLayout.ground)
      #expect(pixels[(top + 8) * drawn.width + 2 * 8] == LegendLayout.ink)
    }
    // Nothing else is on the ground: two colours for text, and two of classes.
    let panel = Set(pixels[(30 * drawn.width)...])
    #expect(panel == [LegendLayout.ink, LegendLayout.ground, Palette.distinct[1], Palette.distinct[2]])
    #expect(LegendLayout.ink.contrast(with: LegendLayout.ground) > 15)
  }

  @Test func anyNameIsDrawn() throws {
    let names = ["", "猫🐈\u{0}\n\r\n", String(repeating: "long ", count: 100), "e\u{301}\u{308}\u{327}"]
    for name in names {
      let classes = ClassList(names: ["background", name])
      #expect(try image.overlaid(with: labels, classes: classes).height > 0)
    }
    let font = BitmapFont.spleen
    #expect(font.glyph("猫") == BitmapFont.box && font.glyph("\n") == BitmapFont.box)
    #expect(font.glyph("e\u{301}") == font.glyph("é") && font.glyph("é") != BitmapFont.box)
    for code in Array(UInt32(0x20)...0x7e) + Array(0xa0...0x17f) {
      let scalar = try #require(Unicode.Scalar(code))
      #expect(font.glyph(Character(scalar)) != BitmapFont.box, "\(scalar)")
    }
    let long = LegendEntry.entries(labels, ClassList(names: ["", names[2]]))[1].name
    #expect(long.count == 40 && long.hasSuffix("…"))
  }

  @Test func sharesAreNeverZeroOrAllByRounding() {
    let shares = [(0, "0.0 %"), (1, "<0.1 %"), (5, "0.1 %"), (2500, "25.0 %"), (9999, ">99.9 %"), (10000, "100.0 %")]
    for (count, text) in shares { #expect(LegendEntry.percentage(count, of: 10000) == text) }
  }

  @Test func theScaleFollowsTheImage() {
    let entries = LegendEntry.entries(labels, ClassList(names: ["background", "cat", "dog"]))
    for (extent, scale) in [(40, 1), (1000, 1), (2000, 2), (4000, 4)] {
      #expect(LegendLayout(entries, width: extent, height: extent * 3 / 4, Legend()).scale == scale)
    }
    // Many classes: the text is smaller rather than the legend larger than the image.
    let many = LabelMap(width: 200, height: 1, labels: (0..<200).map { UInt16($0) })
    let lines = LegendEntry.entries(many, ClassList(names: (0..<200).map { "a class with a long name \($0)" }))
    let layout = LegendLayout(lines, width: 4000, height: 3000, Legend())
    #expect(layout.scale < 4 && layout.width * layout.height <= 2 * 4000 * 3000)
  }

  @Test(arguments: Legend.Placement.allCases) func theLegendIsBesideOrBelow(_ placement: Legend.Placement) throws {
    for (width, height) in [(40, 30), (1, 1), (300, 20), (20, 300)] {
      let labels = LabelMap(width: width, height: height, repeating: 1)
      let image = Image(
        width: width, height: height, layout: .rgb, samples: .uint8(Array(repeating: 9, count: width * height * 3)))
      let drawn = try image.overlaid(with: labels, classes: ClassList(), legend: Legend(placement: placement))
      #expect(drawn.width > width || placement != .beside)
      #expect(drawn.height > height || placement != .below)
      if placement == .automatic { #expect(drawn.width > width || drawn.height > height) }
    }
    // The place that adds less to width and height: with many classes below a wide image and beside a high one, with one class below both.
    let one = LegendEntry.entries(LabelMap(width: 1, height: 1), ClassList())
    #expect(LegendLayout(one, width: 300, height: 900, Legend()).width == 300)
    let entries = LegendEntry.entries(
      LabelMap(width: 30, height: 1, labels: (0..<30).map { UInt16($0) }), ClassList())
    #expect(LegendLayout(entries, width: 900, height: 300, Legend()).height > 300)
    #expect(LegendLayout(entries, width: 60, height: 900, Legend()).width > 150)
  }

  @Test func moreClassesThanLinesShareOne() {
    let many = LabelMap(width: 300, height: 1, labels: (0..<300).map { UInt16($0) })
    let entries = LegendEntry.entries(many, ClassList())
    #expect(entries.count == 257 && entries[256].name == "44 more" && entries[256].share == "14.7 %")
  }

  @Test func withoutALegendTheSizeIsTheImages() throws {
    let drawn = try image.overlaid(with: labels, classes: .cityscapes, legend: nil)
    #expect(drawn.width == 40 && drawn.height == 30)
    // Label 0 of Cityscapes is the road, which is drawn.
    #expect(try pixels(drawn)[0] != Palette.Color(90, 90, 90))
    #expect(throws: ImageError.self) { try image.overlaid(with: LabelMap(width: 2, height: 2), classes: ClassList()) }
  }
}
