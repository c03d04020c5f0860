import Foundation
import SegEngine
import Testing

@testable import SegFiles
@testable import SegImages

@Suite("Regions of files are parts of the image")
struct ImageFileTests {
  /// Every TIFF fixture, with a page after its name.
  static let files: [String] = {
    let plain = Fixtures.images.keys.filter { $0.hasSuffix(".tif") }.map { Fixtures.image($0) }
    let further = Fixtures.furtherImages.images.keys.filter { $0.contains(".tif") }.map { Fixtures.furtherImage($0) }
    return (plain + further + Fixtures.georeferences.keys.map { Fixtures.geotiff($0) }).sorted()
  }()

  private func place(_ name: String) -> (path: String, page: Int) {
    let words = name.split(separator: " ")
    return words.count > 1 ? (String(words[0]), Int(words[1]) ?? 0) : (name, 1)
  }

  /// A range of an axis: drawn, or the first or last pixel, or all.
  private func range(_ extent: Int, _ index: Int, _ generator: inout SeededGenerator) -> Range<Int> {
    switch index {
    case 0: return 0..<extent
    case 1: return 0..<1
    case 2: return extent - 1..<extent
    default:
      let one = Int.random(in: 0..<extent, using: &generator)
      let other = Int.random(in: 0..<extent, using: &generator)
      return min(one, other)..<max(one, other) + 1
    }
  }

  @Test("the fixtures are there")
  func fixturesExist() {
    #expect(Self.files.count > 110)
    #expect(Fixtures.georeferences.count == 12)
  }

  @Test("samples, layout and white of a region are those of the whole image", arguments: files)
  func regions(_ name: String) throws {
    let (path, page) = place(name)
    let (whole, _) = try Image.reading(contentsOf: path, page: page)
    var generator = SeededGenerator(seed: 8)
    for cacheByteCount in [0, 700, 1 << 27] {
      let file = try ImageFile(contentsOf: path, page: page, cacheByteCount: cacheByteCount)
      #expect((file.width, file.height) == (whole.width, whole.height))
      #expect(!file.isWhole)
      for index in 0..<40 {
        let rows = range(whole.height, index % 6, &generator)
        let columns = range(whole.width, index / 6, &generator)
        let region = try file.image(rows: rows, columns: columns)
        #expect(region == whole.cropped(rows: rows, columns: columns), "rows \(rows), columns \(columns)")
      }
    }
  }

  @Test("what is said of the file, but for its samples, is what reading says", arguments: files)
  func warnings(_ name: String) throws {
    let (path, page) = place(name)
    let ofSamples = ["littleOfRange", "beyondWhite", "belowBlack", "notNumbers", "noData"]
    let wanted = try Image.reading(contentsOf: path, page: page).warnings.filter { warning in
      !ofSamples.contains { "\(warning.kind)".hasPrefix($0) }
    }
    #expect(try ImageFile(contentsOf: path, page: page).warnings == wanted)
  }

  @Test("other formats are decoded as a whole", arguments: ["rgb8.png", "orientation6.jpg", "grey16_interlaced.png"])
  func otherFormats(_ name: String) throws {
    let (whole, warnings) = try Image.reading(contentsOf: Fixtures.image(name))
    let file = try ImageFile(contentsOf: Fixtures.image(name))
    #expect(file.isWhole && file.georeference == nil && file.warnings == warnings)
    #expect((file.width, file.height) == (whole.width, whole.height))
    #expect(try file.image(rows: 1..<4, columns: 2..<7) == whole.cropped(rows: 1..<4, columns: 2..<7))
  }

  @Test("files in strips and tiles, seven rows of regions", arguments: [true, false])
  func rowsOfRegions(isTiled: Bool) throws {
    var generator = SeededGenerator(seed: 21)
    let labels = LabelMap(
      width: 530, height: 290, labels: (0..<530 * 290).map { _ in UInt16.random(in: 0...999, using: &generator) })
    try withTemporaryFolder { folder in
      let path = folder + "/scene.tif"
      let writer = try TIFFWriter(
        to: path, width: 530, height: 290, content: .labels16,
        options: .init(arrangement: isTiled ? .tiles(64) : .strips))
      try writer.append(labels)
      try writer.finish()
      let whole = try Image(contentsOf: path)
      #expect(whole.samples == .uint16(labels.labels))
      for cacheByteCount in [0, 20_000, 1 << 27] {
        let file = try ImageFile(contentsOf: path, cacheByteCount: cacheByteCount)
        for row in stride(from: 0, to: 290, by: 45) {
          for column in stride(from: 0, to: 530, by: 60) {
            let (rows, columns) = (row..<min(row + 70, 290), column..<min(column + 90, 530))
            #expect(
              try file.image(rows: rows, columns: columns) == whole.cropped(rows: rows, columns: columns))
          }
        }
      }
    }
  }

  @Test("several threads read one file")
  func threads() async throws {
    let path = Fixtures.geotiff("utm.tif")
    let whole = try Image(contentsOf: path)
    let file = try ImageFile(contentsOf: path, cacheByteCount: 2000)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for row in 0..<whole.height {
            let columns = task..<task + 20
            let region = try file.image(rows: row..<row + 1, columns: columns)
            #expect(region == whole.cropped(rows: row..<row + 1, columns: columns))
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test("a pipe is read to its end")
  func pipe() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/pipe"
      #expect(mkfifo(path, 0o600) == 0)
      let bytes = try Fixtures.bytes(Fixtures.geotiff("utm.tif"))
      let writer = Thread { try? FileHandle(forWritingTo: URL(filePath: path)).write(contentsOf: bytes) }
      writer.start()
      let file = try ImageFile(contentsOf: path)
      let whole = try Image(contentsOf: Fixtures.geotiff("utm.tif"))
      #expect(try file.image(rows: 3..<30, columns: 5..<40) == whole.cropped(rows: 3..<30, columns: 5..<40))
      #expect(file.georeference?.epsgCode == 32632)
    }
  }

  @Test("limits are those of regions and blocks, not of the file")
  func limits() throws {
    let path = Fixtures.geotiff("utm.tif")
    let limits = ImageLimits(maximumPixels: 300, maximumFileBytes: 100)
    #expect(throws: ImageError.self) { try Image(contentsOf: path, limits: ImageLimits(maximumPixels: 300)) }
    let file = try ImageFile(contentsOf: path, limits: limits)
    #expect(try file.image(rows: 0..<15, columns: 0..<20).width == 20)
    #expect(throws: ImageError(path, .tooManyPixels(width: 20, height: 16, limit: 300))) {
      try file.image(rows: 0..<16, columns: 0..<20)
    }
    func message(_ path: String, _ limit: Int) throws -> String {
      try #require(throws: ImageError.self) {
        try ImageFile(contentsOf: path, limits: ImageLimits(maximumPixels: limit))
      }.description
    }
    #expect(try message(path, 255).hasSuffix("a strip or tile of 16×16 pixels exceeds the limit of 255 pixels"))
    // Strips whose rows are columns of the picture.
    try withTemporaryFolder { folder in
      let strips = folder + "/strips.tif"
      try LabelMap(width: 700, height: 300, labels: (0..<210_000).map { UInt16($0 % 251) }).writeTIFF(to: strips)
      try write(turned(Fixtures.bytes(strips), orientation: 6), to: folder + "/turned.tif")
      let whole = try Image(contentsOf: folder + "/turned.tif")
      #expect((whole.width, whole.height) == (300, 700))
      let file = try ImageFile(contentsOf: folder + "/turned.tif", limits: ImageLimits(maximumPixels: 210_000))
      #expect(try file.image(rows: 90..<500, columns: 7..<80) == whole.cropped(rows: 90..<500, columns: 7..<80))
      #expect(
        try message(folder + "/turned.tif", 209_999).hasSuffix(
          "its orientation 6 turns strips by 90°, so that it must be decoded as a whole, and 700×300 pixels exceed the limit "
            + "of 209999"))
      // Mirrored strips stay strips.
      try write(turned(Fixtures.bytes(strips), orientation: 2), to: folder + "/mirrored.tif")
      let mirrored = try ImageFile(
        contentsOf: folder + "/mirrored.tif", limits: ImageLimits(maximumPixels: 100_000), cacheByteCount: 0)
      let wanted = try Image(contentsOf: folder + "/mirrored.tif")
      #expect(try mirrored.image(rows: 90..<170, columns: 7..<80) == wanted.cropped(rows: 90..<170, columns: 7..<80))
    }
  }

  @Test("pages that are not there, and files that are none")
  func missing() throws {
    func message(_ path: String, _ page: Int = 1) throws -> String {
      try #require(throws: ImageError.self) { try ImageFile(contentsOf: path, page: page) }.description
    }
    #expect(try message(Fixtures.furtherImage("three_pages.tif"), 4).hasSuffix("has 3 pages, no page 4"))
    #expect(try message(Fixtures.furtherImage("three_pages.tif"), 0).hasSuffix("pages count from 1"))
    #expect(try message(Fixtures.image("rgb8.png"), 2).hasSuffix("has 1 page, no page 2"))
    try withTemporaryFolder { folder in
      #expect(try message(folder + "/none.tif").hasSuffix("cannot be opened: No such file or directory"))
      #expect(try message(folder).hasSuffix("is a directory, not a file"))
      try write([], to: folder + "/empty.tif")
      #expect(try message(folder + "/empty.tif").hasSuffix("the file is empty"))
      try write([0x49, 0x49, 42, 0], to: folder + "/short.tif")
      #expect(try message(folder + "/short.tif").contains("damaged or incomplete TIFF"))
    }
  }

  private static let damageable =
    ["rgb8_tiled_planar.tif", "rgb8_lzw.tif", "bilevel_group4.tif", "rgb8_jpeg.tif", "grey16_bigtiff.tif"].map {
      Fixtures.image($0)
    } + ["ycbcr_420.tif", "bits12_planar.tif", "max_sample_value.tif"].map { Fixtures.furtherImage($0) }
    + ["utm.tif", "jpeg.tif"].map { Fixtures.geotiff($0) }

  @Test("a file cut off anywhere gives an error or the same pixels", arguments: damageable)
  func truncation(_ path: String) throws {
    let bytes = try Fixtures.bytes(path)
    let whole = try Image(contentsOf: path)
    var failures = 0
    try withTemporaryFolder { folder in
      for count in stride(from: 1, to: bytes.count, by: 3) {
        try write(Array(bytes[..<count]), to: folder + "/cut.tif")
        do {
          let file = try ImageFile(contentsOf: folder + "/cut.tif")
          for row in 0..<whole.height where (row % 5 == 0) {
            let region = try file.image(rows: row..<row + 1, columns: 0..<whole.width)
            #expect(region == whole.cropped(rows: row..<row + 1, columns: 0..<whole.width), "\(count) bytes")
          }
        } catch let error as ImageError {
          failures += 1
          #expect(!error.description.contains("\n"))
        }
      }
    }
    #expect(failures > bytes.count / 8)
  }

  @Test("flipped bits never end the program", arguments: damageable)
  func flippedBits(_ path: String) throws {
    let limits = ImageLimits(maximumPixels: 1 << 20)
    try withTemporaryFolder { folder in
      for copy in bitFlips(of: try Fixtures.bytes(path), count: 300, seed: 29) {
        try write(copy, to: folder + "/damaged.tif")
        guard let file = try? ImageFile(contentsOf: folder + "/damaged.tif", limits: limits) else { continue }
        let (height, width) = (min(file.height, 60), min(file.width, 60))
        _ = try? file.image(rows: 0..<height, columns: 0..<width)
        _ = try? file.image(rows: file.height - height..<file.height, columns: file.width - width..<file.width)
        _ = file.georeference?.transform
        _ = file.georeference?.epsgCode
      }
    }
  }
}

@Suite struct BlockCacheTests {
  /// Against a list of blocks in the order of their last use.
  @Test func keepsWhatWasUsedLast() throws {
    var generator = SeededGenerator(seed: 3)
    for capacity in [0, 100, 950, 5000] {
      let cache = BlockCache(capacity: capacity)
      var kept: [UInt32] = []
      for step in 0..<20_000 {
        let index = UInt32.random(in: 0..<40, using: &generator)
        var isDecoded = false
        let bytes = try cache.bytes(of: index, count: 100) { (bytes) throws(ImageError) in
          isDecoded = true
          #expect(bytes.count == 100)
          for place in bytes.indices { bytes[place] = UInt8(index) }
        }
        #expect(bytes == [UInt8](repeating: UInt8(index), count: 100))
        #expect(isDecoded == !kept.contains(index), "step \(step)")
        kept.removeAll { $0 == index }
        kept.append(index)
        kept = Array(kept.suffix(max(1, capacity / 100)))
      }
    }
  }

  @Test func aBlockThatCannotBeDecodedIsNotKept() throws {
    let cache = BlockCache(capacity: 1000)
    let failure = ImageError(nil, .empty)
    #expect(throws: failure) {
      try cache.bytes(of: 1, count: 10) { (_) throws(ImageError) in throw failure }
    }
    var isDecoded = false
    _ = try cache.bytes(of: 1, count: 10) { (_) throws(ImageError) in isDecoded = true }
    #expect(isDecoded)
    cache.reserveCapacity(10)
    #expect(cache.capacity == 1000)
    cache.reserveCapacity(3000)
    #expect(cache.capacity == 3000)
  }
}
