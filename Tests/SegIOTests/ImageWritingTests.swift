import Foundation
import SegEngine
import Testing

@testable import SegImages

@Suite("Images and masks are written as PNG")
struct ImageWritingTests {
  @Test("an image comes back as it was", arguments: [Image.ChannelLayout.grey, .greyAlpha, .rgb, .rgba], [8, 16])
  func roundTrip(_ layout: Image.ChannelLayout, _ bits: Int) throws {
    let count = 13 * 9 * layout.count
    let samples: Image.Samples =
      bits == 8
      ? .uint8((0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) })
      : .uint16((0..<count).map { UInt16(truncatingIfNeeded: $0 * 5003) })
    let image = Image(width: 13, height: 9, layout: layout, samples: samples)
    try withTemporaryFolder { folder in
      try image.writePNG(to: folder + "/image.png")
      #expect(try Image(contentsOf: folder + "/image.png") == image)
      #expect(try names(in: folder) == ["image.png"])
    }
  }

  @Test(
    "labels come back as they were, up to 255 with a palette and beyond as 16-bit grey",
    arguments: [1, 3, 255, 256, 65535])
  func labels(_ highest: Int) throws {
    let labels = LabelMap(width: 5, height: 3, labels: (0..<15).map { UInt16($0 * highest / 14) })
    try withTemporaryFolder { folder in
      let path = folder + "/mask.png"
      try labels.writePNG(to: path, palette: Palette([.init(0, 0, 0), .init(255, 0, 0), .init(0, 255, 0)]))
      #expect(try LabelMap(contentsOf: path) == labels)
      let shown = try Image(contentsOf: path)
      #expect(shown.layout == (highest > 255 ? .grey : .rgb))
      #expect(shown.bitDepth == (highest > 255 ? 16 : 8))
    }
  }

  @Test("a white below the samples' largest is scaled to the file's")
  func white() throws {
    let image = Image(width: 3, height: 1, layout: .grey, samples: .uint16([0, 2048, 4095]), white: 4095)
    let read = try Image(decoding: image.pngBytes())
    #expect(read == Image(width: 3, height: 1, layout: .grey, samples: .uint16([0, 32776, 65535])))
  }

  @Test("what PNG does not have is an error")
  func notInPNG() {
    let bands = Image(width: 1, height: 1, layout: .bands(5), samples: .uint8([1, 2, 3, 4, 5]))
    #expect(throws: ImageError.self) { try bands.pngBytes() }
    let floats = Image(width: 1, height: 1, layout: .grey, samples: .float32([0.5]))
    #expect(throws: ImageError.self) { try floats.pngBytes() }
  }

  @Test("labels are drawn over images of any samples and bands")
  func overlayOfAnySamples() throws {
    let labels = LabelMap(width: 2, height: 1, labels: [0, 0])
    func pixels(_ layout: Image.ChannelLayout, _ samples: Image.Samples, white: Float? = nil) throws -> [UInt8] {
      let image = Image(width: 2, height: 1, layout: layout, samples: samples, white: white)
      guard case .uint8(let drawn) = try image.overlaid(with: labels).samples else { return [] }
      return drawn
    }
    let wanted: [UInt8] = [255, 128, 0, 0, 51, 102]
    #expect(try pixels(.rgb, .float32([1.5, 0.502, -1, .nan, 0.2, 0.4])) == wanted)
    #expect(try pixels(.bands(4), .uint8([255, 128, 0, 9, 0, 51, 102, 9])) == wanted)
    #expect(try pixels(.rgb, .uint16([4095, 2056, 0, 0, 819, 1638]), white: 4095) == wanted)
    #expect(try pixels(.bands(2), .uint8([7, 1, 9, 1])) == [7, 7, 7, 9, 9, 9])
  }

  @Test("a label map without pixels is an error")
  func empty() throws {
    let error = try #require(throws: ImageError.self) {
      try LabelMap(width: 0, height: 4, labels: []).writePNG(to: "mask.png")
    }
    #expect(error.description.contains("0×4"))
  }

  @Test("an overlay mixes colours, draws borders full and leaves the background")
  func overlay() throws {
    let image = Image(width: 5, height: 5, layout: .grey, samples: .uint8(.init(repeating: 100, count: 25)))
    var labels = LabelMap(width: 5, height: 5)
    for row in 1...3 { for column in 1...3 { labels[row, column] = 1 } }
    let palette = Palette([.init(0, 0, 0), .init(200, 0, 100)])
    let drawn = try image.overlaid(with: labels, palette: palette, opacity: 0.5)
    guard case .uint8(let samples) = drawn.samples else {
      Issue.record("an overlay has 8 bits")
      return
    }
    func pixel(_ row: Int, _ column: Int) -> [UInt8] { Array(samples[((row * 5 + column) * 3)...].prefix(3)) }
    #expect(drawn.layout == .rgb)
    #expect(pixel(0, 0) == [100, 100, 100])
    #expect(pixel(1, 1) == [200, 0, 100])
    #expect(pixel(2, 2) == [150, 50, 100])
    let all = try image.overlaid(with: LabelMap(width: 5, height: 5), palette: palette, opacity: 1, background: nil)
    #expect(all.samples == .uint8(.init(repeating: 0, count: 75)))
  }

  @Test("an overlay scales 16 bits to 8 and leaves alpha out")
  func overlayOf16Bits() throws {
    let image = Image(width: 2, height: 1, layout: .greyAlpha, samples: .uint16([65535, 1, 257, 2]))
    let drawn = try image.overlaid(with: LabelMap(width: 2, height: 1))
    #expect(drawn.samples == .uint8([255, 255, 255, 1, 1, 1]))
  }

  @Test("an overlay of another size is an error")
  func overlayOfAnotherSize() throws {
    let image = Image(width: 2, height: 1, layout: .grey, samples: .uint8([0, 0]))
    #expect(throws: ImageError(nil, .sizesDiffer(image: "2×1", labels: "1×2"))) {
      try image.overlaid(with: LabelMap(width: 1, height: 2))
    }
  }
}
