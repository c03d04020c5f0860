import Testing

@testable import SegFiles

/// Names of files are bytes.
@Suite struct FileSystemBytesTests {
  private func isKept(_ bytes: [UInt8]) -> Bool { String(fileSystemBytes: bytes).fileSystemBytes == bytes }

  @Test func textIsItself() {
    for text in ["", "a/b.png", "café", "日本語 🐭", "\u{10FFFF}\u{F0000}"] {
      #expect(String(fileSystemBytes: Array(text.utf8)) == text)
      #expect(text.fileSystemBytes == Array(text.utf8))
      #expect(text.showingUndecodableBytes() == text)
    }
  }

  @Test func bytesThatAreNoTextComeBack() {
    for byte in UInt8.min...UInt8.max { #expect(isKept([byte]) && isKept([0x61, byte, 0x2E, byte])) }
    // A sequence that is cut off, an overlong one, a surrogate, and beyond Unicode.
    for bytes in [
      [0xE6, 0x97], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x9F, 0x90, 0x2F],
    ] {
      #expect(isKept(bytes.map { UInt8($0) }))
    }
    var generator = SeededGenerator(seed: 6)
    for _ in 0..<2000 {
      let count = Int.random(in: 0...12, using: &generator)
      #expect(isKept((0..<count).map { _ in UInt8.random(in: 1...255, using: &generator) }))
    }
  }

  /// Names that hold the scalars which carry bytes are told apart from names that hold those bytes.
  @Test func theCarriersThemselvesAreNames() {
    let carrier: [UInt8] = Array("x\u{10FEE9}".utf8)
    #expect(isKept(carrier))
    #expect(String(fileSystemBytes: carrier) != String(fileSystemBytes: [0x78, 0xE9]))
    #expect("x\u{10FEE9}".fileSystemBytes == [0x78, 0xE9])
  }

  @Test func undecodableBytesAreShown() {
    let name = String(fileSystemBytes: Array("caf".utf8) + [0xE9] + Array(".png".utf8))
    #expect(name.showingUndecodableBytes() == #"caf\xE9.png"#)
    #expect(FileError(name, .isDirectory).description == #"caf\xE9.png: is a directory, not a file"#)
  }
}
