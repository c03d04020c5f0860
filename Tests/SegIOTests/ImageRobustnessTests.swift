import Foundation
import SegEngine
import Testing

@testable import SegFiles
@testable import SegImages

@Suite("Files that are no images, or damaged ones, are errors of one line")
struct ImageRobustnessTests {
  private func failure(_ path: String, limits: ImageLimits = .default) throws -> ImageError {
    let error = try #require(throws: ImageError.self) { try Image(contentsOf: path, limits: limits) }
    #expect(!error.description.contains("\n"))
    #expect(error.description.hasPrefix(path))
    return error
  }

  @Test("missing, empty, a folder, a device, something else")
  func wrongFiles() throws {
    try withTemporaryFolder { folder in
      #expect(try failure(folder + "/none.png").description.hasSuffix("cannot be opened: No such file or directory"))
      #expect(try failure(folder).description.hasSuffix("is a directory, not a file"))
      #expect(try failure("/dev/zero").description.hasSuffix("is not a regular file"))
      try write([], to: folder + "/empty.png")
      #expect(try failure(folder + "/empty.png").cause == .empty)
      try write(Array("8BPS....".utf8), to: folder + "/a.psd")
      #expect(try failure(folder + "/a.psd").cause == .unknownFormat(looksLike: "Photoshop"))
      try write(Array("some text".utf8), to: folder + "/a.txt")
      #expect(try failure(folder + "/a.txt").cause == .unknownFormat(looksLike: nil))
    }
  }

  @Test("a file that may not be read")
  func unreadable() throws {
    // The superuser may read everything.
    guard getuid() != 0 else { return }
    try withTemporaryFolder { folder in
      try write([1], to: folder + "/secret.png")
      chmod(folder + "/secret.png", 0)
      #expect(try failure(folder + "/secret.png").description.hasSuffix("Permission denied"))
    }
  }

  @Test("a path with a line break still gives one line")
  func lineBreak() {
    let error = ImageError("a\nb", .empty)
    #expect(error.description == "a b: the file is empty")
  }

  @Test("a pipe is read to its end")
  func pipe() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/pipe"
      #expect(mkfifo(path, 0o600) == 0)
      let bytes = try Fixtures.bytes(Fixtures.image("photo.png"))
      let writer = Thread { try? FileHandle(forWritingTo: URL(filePath: path)).write(contentsOf: bytes) }
      writer.start()
      #expect(try Image(contentsOf: path) == Image(contentsOf: Fixtures.image("photo.png")))
    }
  }

  @Test("samples of a kind that is not read are named")
  func unsupported() throws {
    var tiff = try Fixtures.bytes(Fixtures.image("float32.tif"))
    let entry = try #require(
      tiff.indices.dropLast(10).first { tiff[$0..<($0 + 8)].elementsEqual([83, 1, 3, 0, 1, 0, 0, 0]) })
    tiff[entry + 8] = 5
    let error = try #require(throws: ImageError.self) { try Image(decoding: tiff) }
    #expect(error.description.contains("complex samples of 32 bits"))
  }

  @Test("the limits on pixels and bytes hold", arguments: ["photo.png", "rgb.jpg", "rgb8_lzw.tif"])
  func limits(_ name: String) throws {
    let path = Fixtures.image(name)
    let exact = ImageLimits(maximumPixels: 33 * 24)
    #expect(try Image(contentsOf: path, limits: exact).width == 33)
    #expect(
      try failure(path, limits: ImageLimits(maximumPixels: 33 * 24 - 1)).cause
        == .tooManyPixels(width: 33, height: 24, limit: 33 * 24 - 1))
    #expect(
      try failure(path, limits: ImageLimits(maximumFileBytes: 10)).cause == .file(FileError(path, .tooLarge(limit: 10)))
    )
  }

  @Test("a header that claims 100000 × 100000 pixels is refused before memory is set aside")
  func absurdSize() throws {
    var png = try Fixtures.bytes(Fixtures.image("rgb8.png"))
    let extent: [UInt8] = [0, 1, 0x86, 0xA0]
    png.replaceSubrange(16..<24, with: extent + extent)
    png.replaceSubrange(29..<33, with: crc32(png[12..<29]))
    #expect(throws: ImageError("image", .tooManyPixels(width: 100_000, height: 100_000, limit: 1 << 28))) {
      try Image(decoding: png)
    }
    // Within the limit, but more than so short a file can hold.
    png.replaceSubrange(16..<24, with: [0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10])
    png.replaceSubrange(29..<33, with: crc32(png[12..<29]))
    let error = try #require(throws: ImageError.self) { try Image(decoding: png) }
    #expect(error.description.contains("cannot hold 10000×10000 pixels"))

    var jpeg = try Fixtures.bytes(Fixtures.image("rgb.jpg"))
    let frame = try #require(jpeg.indices.dropLast(9).first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
    jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0xDC, 0xFF, 0xDC])
    let jpegError = try #require(throws: ImageError.self) { try Image(decoding: jpeg) }
    #expect(jpegError.cause == .tooManyPixels(width: 65500, height: 65500, limit: 1 << 28))
  }

  @Test("a TIFF whose extents have a product beyond 32 bits, and strips or tiles beyond reason")
  func absurdTIFF() throws {
    // Tag, type LONG and count, as they lie in a little-endian directory before the value.
    func replacing(_ tag: UInt8, with value: [UInt8], in bytes: [UInt8]) throws -> [UInt8] {
      var bytes = bytes
      let entry = try #require(
        bytes.indices.dropLast(12).first { bytes[$0..<($0 + 8)].elementsEqual([tag, 1, 4, 0, 1, 0, 0, 0]) })
      bytes.replaceSubrange((entry + 8)..<(entry + 12), with: value)
      return bytes
    }
    let huge: [UInt8] = [0xFF, 0xFF, 0xFF, 0x7F]
    let strips = try Fixtures.bytes(Fixtures.image("rgb8.tif"))
    let wide = try replacing(0, with: huge, in: strips)
    let error = try #require(throws: ImageError.self) { try Image(decoding: wide) }
    #expect(error.cause == .tooManyPixels(width: 0x7FFF_FFFF, height: 5, limit: 1 << 28))
    let both = try replacing(1, with: huge, in: wide)
    #expect(throws: ImageError.self) { try Image(decoding: both) }
    let tiles = try Fixtures.bytes(Fixtures.image("rgb8_tiled.tif"))
    for value: [UInt8] in [[0, 0, 0, 0x10], [0, 0, 0, 0], [1, 0, 0, 0]] {
      // 322 and 323 are the extents of a tile.
      for tag: UInt8 in [0x42, 0x43] {
        guard let copy = try? replacing(tag, with: value, in: tiles) else { continue }
        #expect(throws: ImageError.self) { try Image(decoding: copy) }
      }
    }
  }

  @Test("stray bytes before a JPEG marker are harmless")
  func strayBytes() throws {
    let bytes = try Fixtures.bytes(Fixtures.image("rgb.jpg"))
    let stray = bytes.dropLast(2) + [0x11, 0x22]
    let (image, warnings) = try Image.reading(decoding: stray + [0xFF, 0xD9])
    #expect(image == (try Image(decoding: bytes)))
    #expect(warnings.isEmpty)
    #expect(try Image.reading(decoding: Array(stray)).warnings.map(\.kind) == [.noEndMarker])
  }

  private static let small = [
    "grey8.png", "palette8_transparent.png", "rgb16_interlaced.png", "orientation6.jpg", "rgb_progressive.jpg",
    "grey16.tif",
    "rgb8_tiled_planar.tif", "rgb8_lzw.tif", "bilevel_group4.tif", "rgb8_jpeg.tif", "grey16_bigtiff.tif",
  ]

  @Test("a file cut off anywhere is an error or the same image", arguments: small)
  func truncation(_ name: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.image(name))
    let whole = try Image(decoding: bytes)
    var failures = 0
    for count in 0..<bytes.count {
      do {
        // What lies behind the pixels may be missing: TIFF directories and padding.
        let image = try Image(decoding: Array(bytes[..<count]))
        #expect(image == whole, "\(count) of \(bytes.count) bytes")
      } catch {
        failures += 1
        #expect(!error.description.contains("\n"))
      }
      _ = try? LabelMap(decoding: Array(bytes[..<count]))
    }
    #expect(failures > bytes.count / 2)
    // A JPEG file may lack the two bytes of its end marker.
    if name.hasSuffix(".png") { #expect(failures == bytes.count) }
    if name.hasSuffix(".jpg") { #expect((bytes.count - 2...bytes.count).contains(failures)) }
  }

  @Test("flipped bits never end the program", arguments: small)
  func flippedBits(_ name: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.image(name))
    let limits = ImageLimits(maximumPixels: 1 << 22)
    for copy in bitFlips(of: bytes, count: 600, seed: 11) {
      _ = try? Image(decoding: copy, limits: limits)
      _ = try? LabelMap(decoding: copy, reading: .nonZeroIsForeground, limits: limits)
    }
  }
}

/// The CRC of PNG chunks (PNG specification, annex D), high byte first.
private func crc32(_ bytes: some Sequence<UInt8>) -> [UInt8] {
  var crc = UInt32.max
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
  }
  crc = ~crc
  return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: crc >> $0) }
}
