import SegEngine
import SegIO
import Testing

@Suite("Images are read as they were written by others")
struct ImageReadingTests {
  @Test("every fixture has the pixels its script gave it", arguments: Fixtures.images.keys.sorted())
  func fixture(_ name: String) throws {
    let expected = try #require(Fixtures.images[name])
    let image = try Image(contentsOf: Fixtures.image(name))
    #expect(image.width == expected.width)
    #expect(image.height == expected.height)
    #expect(image.layout.count == expected.channels)
    #expect(image.bitDepth == expected.bits)
    let values = expected.values(expected.samples)
    #expect(image.samples.count == values.count)
    let samples: [Int] =
      switch image.samples {
      case .uint8(let samples): samples.map(Int.init)
      case .uint16(let samples): samples.map(Int.init)
      case .float32(let samples): samples.map { Int($0) }
      }
    let difference = zip(samples, values).map { abs($0 - $1) }.max() ?? 0
    #expect(difference <= expected.tolerance ?? 0)
  }

  @Test("the fixtures are there")
  func fixturesExist() { #expect(Fixtures.images.count > 55) }

  @Test("a file in memory is read like one on the disk")
  func decoding() throws {
    let path = Fixtures.image("rgb16.png")
    #expect(try Image(decoding: Fixtures.bytes(path)) == Image(contentsOf: path))
  }

  @Test("contents count, not the name's ending")
  func wrongEnding() throws {
    try withTemporaryFolder { folder in
      try write(Fixtures.bytes(Fixtures.image("rgb.jpg")), to: folder + "/photo.png")
      #expect(try Image(contentsOf: folder + "/photo.png").layout == .rgb)
    }
  }

  /// libpng would allocate what the chunk claims before it finds that the file is shorter.
  @Test("a PNG chunk that claims to be longer than the file is refused by its length")
  func claimedLength() throws {
    let file = try Fixtures.bytes(Fixtures.image("rgb8.png"))
    let header = Array(file[..<33])
    let claim: [UInt8] = [0x56, 0, 0x4E, 0x7A] + Array("zTXt".utf8) + Array(file[33...])
    let error = try #require(throws: ImageError.self) { try Image(decoding: header + claim) }
    #expect(error.description.contains("zTXt"), "\(error)")
  }

  /// The files have the same stored pixels; the EXIF standard says where each of them is shown.
  @Test("the eight orientations show the stored pixels turned and mirrored", arguments: 1...8)
  func orientations(_ orientation: Int) throws {
    func image(_ orientation: Int) throws -> Image {
      try Image(contentsOf: Fixtures.image("orientation\(orientation).jpg"))
    }
    let stored = try image(1)
    let (width, height) = (stored.width, stored.height)
    #expect((width, height) == (16, 8))
    let shown = try image(orientation)
    #expect((shown.width, shown.height) == (orientation < 5 ? (16, 8) : (8, 16)))
    guard case .uint8(let pixels) = stored.samples, case .uint8(let turned) = shown.samples else {
      Issue.record("samples of other types")
      return
    }
    let count = stored.layout.count
    // Turned pictures would be equal if the pixels were.
    #expect(Set(pixels).count > 20)
    var differences = 0
    for row in 0..<height {
      for column in 0..<width {
        let (bottom, right) = (height - 1 - row, width - 1 - column)
        let (y, x) = [
          (row, column), (row, right), (bottom, right), (bottom, column), (column, row), (column, bottom),
          (right, bottom),
          (right, row),
        ][orientation - 1]
        for sample in 0..<count {
          let difference =
            Int(pixels[(row * width + column) * count + sample]) - Int(turned[(y * shown.width + x) * count + sample])
          differences += difference == 0 ? 0 : 1
        }
      }
    }
    #expect(differences == 0)
  }
}

@Suite("Masks are read as labels")
struct LabelMapReadingTests {
  @Test(
    "stored values are labels, unscaled",
    arguments: Fixtures.images.filter { $0.value.raw != nil }.keys.sorted())
  func raw(_ name: String) throws {
    let expected = try #require(Fixtures.images[name])
    let labels = try LabelMap(contentsOf: Fixtures.image(name))
    #expect(labels.width == expected.width)
    #expect(labels.height == expected.height)
    #expect(labels.labels.map(Int.init) == expected.values(try #require(expected.raw)))
    let binary = try LabelMap(contentsOf: Fixtures.image(name), reading: .nonZeroIsForeground)
    #expect(binary.labels == labels.labels.map { $0 == 0 ? 0 : 1 })
  }

  @Test(
    "colours and alpha are no labels, and the message says so",
    arguments: [
      ("rgb8.png", "RGB"), ("rgba16.png", "RGB with alpha"), ("grey_alpha8.png", "grey with alpha"),
      ("rgb8.tif", "RGB"),
    ])
  func colors(_ name: String, _ kind: String) throws {
    let error = try #require(throws: ImageError.self) { try LabelMap(contentsOf: Fixtures.image(name)) }
    #expect(error.description.contains("its pixels are \(kind), so no single value is the label"))
    #expect(error.description.contains(name))
  }

  @Test("JPEG is refused in every reading")
  func jpeg() throws {
    for reading in [LabelMap.Reading.storedValue, .nonZeroIsForeground, .alphaIsForeground] {
      let error = try #require(throws: ImageError.self) {
        try LabelMap(contentsOf: Fixtures.image("grey.jpg"), reading: reading)
      }
      #expect(error.description.contains("JPEG compression changes labels"))
    }
  }

  @Test(
    "alpha becomes foreground", arguments: ["rgba8.png", "grey_alpha16.png", "palette8_transparent.png", "rgba8.tif"])
  func alpha(_ name: String) throws {
    let expected = try #require(Fixtures.images[name])
    let samples = expected.values(expected.samples)
    let labels = try LabelMap(contentsOf: Fixtures.image(name), reading: .alphaIsForeground)
    let wanted = stride(from: expected.channels - 1, to: samples.count, by: expected.channels).map {
      samples[$0] > 0 ? 1 : 0
    }
    #expect(labels.labels.map(Int.init) == wanted)
  }

  @Test("foreground from alpha needs alpha")
  func noAlpha() throws {
    let error = try #require(throws: ImageError.self) {
      try LabelMap(contentsOf: Fixtures.image("rgb8.png"), reading: .alphaIsForeground)
    }
    #expect(error.description.contains("no alpha channel"))
  }

  @Test("any colour that is not black is foreground, whatever its alpha")
  func nonZeroColor() throws {
    let image = Image(width: 3, height: 1, layout: .rgba, samples: .uint8([0, 0, 0, 255, 0, 0, 9, 0, 1, 1, 1, 1]))
    try withTemporaryFolder { folder in
      try image.writePNG(to: folder + "/mask.png")
      let labels = try LabelMap(contentsOf: folder + "/mask.png", reading: .nonZeroIsForeground)
      #expect(labels.labels == [0, 1, 1])
    }
  }
}
