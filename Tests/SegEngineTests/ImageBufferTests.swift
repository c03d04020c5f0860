import SegEngine
import Testing

/// Images from buffers of other programs.
@Suite struct ImageBufferTests {
  /// Two rows of two pixels, whose red is 10 · row + column + 1, green 50 more, blue 100 more, alpha 200 more; rows end in 99.
  private func buffer(_ names: String, padding: Int) -> [UInt8] {
    (0..<2).flatMap { row in
      (0..<2).flatMap { column -> [UInt8] in
        let base = 10 * row + column + 1
        return names.map { UInt8(base + ["r": 0, "k": 0, "g": 50, "b": 100, "a": 200, "x": 150][$0]!) }
      } + [UInt8](repeating: 99, count: padding)
    }
  }

  @Test(arguments: Image.ChannelOrder.allCases) func samplesAreTakenFromWhereTheyStand(order: Image.ChannelOrder) {
    let (names, expected): (String, String) =
      switch order {
      case .grey: ("k", "k")
      case .greyAlpha: ("ka", "ka")
      case .rgb: ("rgb", "rgb")
      case .bgr: ("bgr", "rgb")
      case .rgba: ("rgba", "rgba")
      case .bgra: ("bgra", "rgba")
      case .argb: ("argb", "rgba")
      case .abgr: ("abgr", "rgba")
      case .rgbx: ("rgbx", "rgb")
      case .bgrx: ("bgrx", "rgb")
      }
    #expect(order.count == names.count)
    for padding in [0, 5] {
      // The last row needs no padding behind it.
      let pixels = Array(buffer(names, padding: padding).dropLast(padding))
      let image = Image(
        pixels: pixels.span.bytes, width: 2, height: 2, order: order, bytesPerRow: 2 * names.count + padding)
      #expect(image.samples == .uint8(buffer(expected, padding: 0)), "\(order)")
      #expect(image.layout.count == expected.count && image.layout.hasAlpha == expected.hasSuffix("a"))
    }
    let adjoining = buffer(names, padding: 0)
    #expect(
      Image(pixels: adjoining.span.bytes, width: 2, height: 2, order: order).samples
        == .uint8(buffer(expected, padding: 0)))
  }
}

/// Label maps written into buffers of other programs.
@Suite struct LabelMapBufferTests {
  @Test func labelsAreBytesAndBytesBetweenRowsStay() {
    let map = LabelMap(width: 3, height: 2, labels: [0, 1, 254, 255, LabelMap.unlabelled, 7])
    var bytes = [UInt8](repeating: 99, count: 8)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    map.write(to: &raw, bytesPerRow: 5)
    #expect(bytes == [0, 1, 254, 99, 99, 255, 255, 7])
  }

  @Test func whatDoesNotFitTraps() async {
    await #expect(processExitsWith: .failure) {
      var bytes = [UInt8](repeating: 0, count: 1)
      var span = bytes.mutableSpan
      var raw = span.mutableBytes
      LabelMap(width: 1, height: 1, labels: [256]).write(to: &raw)
    }
    await #expect(processExitsWith: .failure) {
      var bytes = [UInt8](repeating: 0, count: 5)
      var span = bytes.mutableSpan
      var raw = span.mutableBytes
      LabelMap(width: 3, height: 2).write(to: &raw)
    }
  }
}
