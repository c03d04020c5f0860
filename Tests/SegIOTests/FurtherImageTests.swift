import SegEngine
import Testing

@testable import SegFiles
@testable import SegImages

/// Files as Pillow and tifffile read them; see `Fixtures/images-further/make.py`.
@Suite("Every kind of file is read as by Pillow and tifffile")
struct FurtherImageTests {
  /// HEIF and AVIF are read where their library is installed.
  static let names = Fixtures.furtherImages.images.keys.filter { name in
    HEIFDecoder.isAvailable || !name.contains(".heic") && !name.contains(".avif")
  }.sorted()

  /// A fixture's file and page.
  private func place(_ name: String) -> (path: String, page: Int) {
    let words = name.split(separator: " ")
    return (Fixtures.furtherImage(String(words[0])), words.count > 1 ? Int(words[1]) ?? 0 : 1)
  }

  @Test("the fixtures are there")
  func fixturesExist() {
    #expect(Fixtures.furtherImages.images.count > 200)
    #expect(Fixtures.furtherImages.damaged.count > 10)
  }

  @Test("samples, their meaning, their white and what is said of the file", arguments: names)
  func fixture(_ name: String) throws {
    let expected = try #require(Fixtures.furtherImages.images[name])
    let (path, page) = place(name)
    let (image, warnings) = try Image.reading(contentsOf: path, page: page)
    #expect((image.width, image.height) == (expected.width, expected.height))
    #expect("\(image.layout)".filter { !"()".contains($0) } == expected.layout)
    #expect(image.white == expected.white)
    #expect(warnings.map { "\($0.kind)".prefix { $0 != "(" } } == (expected.warnings ?? []).map { $0[...] })
    for warning in warnings {
      #expect(warning.path == path && warning.description.hasPrefix("\(path): "))
      #expect(!warning.description.contains("\n"))
    }
    let (type, samples): (String, [Float]) =
      switch image.samples {
      case .uint8(let samples): ("uint8", samples.map { Float($0) })
      case .uint16(let samples): ("uint16", samples.map { Float($0) })
      case .float32(let samples): ("float32", samples)
      }
    #expect(type == expected.type)
    let wanted = expected.values
    try #require(samples.count == wanted.count)
    let difference = zip(samples, wanted).map { abs($0 - $1) }.max() ?? 0
    #expect(difference <= expected.tolerance ?? 0)
  }

  @Test("values are stored as they were", arguments: names.filter { Fixtures.furtherImages.images[$0]?.stored != nil })
  func storedValues(_ name: String) throws {
    let expected = try #require(Fixtures.furtherImages.images[name])
    let file = FileBytes(try Fixtures.bytes(Fixtures.furtherImage(name)))
    let format = try PixelFormat(of: file, named: name)
    var warnings: [ImageWarning.Kind] = []
    let read = try StoredValues.reading(file, format, named: name, limits: .default, &warnings)
    let stored = try #require(read)
    #expect((stored.width, stored.height) == (expected.width, expected.height))
    let values: [Double] =
      switch stored.values {
      case .uint8(let values): values.map { Double($0) }
      case .uint16(let values): values.map { Double($0) }
      case .float64(let values): values
      }
    #expect(values == expected.stored)
  }

  @Test(
    "colours and alpha are no stored values", arguments: ["rgba32_124.bmp", "bands4.tif", "rgb_alpha.pam", "hwc8.npy"])
  func severalValues(_ name: String) throws {
    let file = FileBytes(try Fixtures.bytes(Fixtures.furtherImage(name)))
    let format = try PixelFormat(of: file, named: name)
    var warnings: [ImageWarning.Kind] = []
    #expect(try StoredValues.reading(file, format, named: name, limits: .default, &warnings) == nil)
  }

  @Test("damaged files are errors that say so", arguments: Fixtures.furtherImages.damaged.keys.sorted())
  func damaged(_ name: String) throws {
    let error = try #require(throws: ImageError.self) { try Image(contentsOf: Fixtures.furtherImage(name)) }
    #expect(error.description.contains(try #require(Fixtures.furtherImages.damaged[name])))
    #expect(!error.description.contains("\n"))
  }

  @Test("pages that are not there")
  func pages() throws {
    let path = Fixtures.furtherImage("three_pages.tif")
    func message(_ path: String, _ page: Int) throws -> String {
      try #require(throws: ImageError.self) { try Image.reading(contentsOf: path, page: page) }.description
    }
    #expect(try message(path, 4).hasSuffix("has 3 pages, no page 4"))
    #expect(try message(path, 0).hasSuffix("pages count from 1"))
    #expect(try message(Fixtures.furtherImage("reduced_copies.tif"), 2).hasSuffix("has 1 page, no page 2"))
    #expect(try message(Fixtures.furtherImage("rgb24.bmp"), 2).hasSuffix("has 1 page, no page 2"))
    let warnings = try Image.reading(contentsOf: path, page: 2).warnings
    #expect(warnings.map(\.description) == ["\(path): has 3 pages; page 2 was read"])
  }

  @Test("HEIF and AVIF without their library are errors that name it", .enabled(if: !HEIFDecoder.isAvailable))
  func missingLibrary() throws {
    for name in ["photo.heic", "photo.avif"] {
      let error = try #require(throws: ImageError.self) { try Image(contentsOf: Fixtures.furtherImage(name)) }
      #expect(error.description.contains("libheif"))
    }
  }

  @Test("a file cut off anywhere is an error or the same image", arguments: names.filter { !$0.contains(" ") })
  func truncation(_ name: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.furtherImage(name))
    let whole = try Image(decoding: bytes)
    // A number in text may lose a digit, and libheif may give what there is.
    let isText = name.hasPrefix("plain.p")
    let isChecked = !isText && !name.contains(".heic") && !name.contains(".avif")
    for count in stride(from: 0, to: bytes.count, by: isChecked ? 1 : 7) {
      do {
        let image = try Image(decoding: Array(bytes[..<count]))
        // Metadata behind the pixels may be lost, and with it orientation or a warning of further pages.
        if isChecked { #expect(image == whole, "\(count) of \(bytes.count) bytes") }
      } catch {
        #expect(!error.description.contains("\n"))
      }
    }
  }

  @Test("flipped bits never end the program", arguments: names.filter { !$0.contains(" ") })
  func flippedBits(_ name: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.furtherImage(name))
    let limits = ImageLimits(maximumPixels: 1 << 20)
    for copy in bitFlips(of: bytes, count: 60, seed: 17) {
      if let image = try? Image(decoding: copy, limits: limits) { #expect(image.white > 0) }
      let file = FileBytes(copy)
      if let format = try? PixelFormat(of: file, named: name) {
        var warnings: [ImageWarning.Kind] = []
        _ = try? StoredValues.reading(file, format, named: name, limits: limits, &warnings)
      }
    }
  }

  @Test("headers that claim more pixels or samples than the limits are refused before memory is set aside")
  func limits() throws {
    func message(_ name: String, _ limits: ImageLimits) throws -> String {
      try #require(throws: ImageError.self) {
        try Image(contentsOf: Fixtures.furtherImage(name), limits: limits)
      }.description
    }
    for name in [
      "plain.gif", "lossless.webp", "rgb24.bmp", "runs8.bmp", "raw.ppm", "hwc8.npy", "float32.tif", "cmyk8.tif",
    ] {
      #expect(try message(name, ImageLimits(maximumPixels: 62)).contains("9×7 pixels exceeds the limit of 62 pixels"))
      #expect(try Image(contentsOf: Fixtures.furtherImage(name), limits: ImageLimits(maximumPixels: 63)).width == 9)
    }
    #expect(try message("bands12.tif", ImageLimits(maximumPixels: 150)).contains("12 samples"))
    #expect(
      try Image(contentsOf: Fixtures.furtherImage("bands12.tif"), limits: ImageLimits(maximumPixels: 189)).width == 9)
  }
}
