import Testing

/// The first directory of a TIFF file, read without a library (TIFF 6.0, section 2, and the BigTIFF proposal).
struct TIFFDirectory {
  struct Entry: Equatable {
    let type: Int
    let count: Int
    /// The elements' bytes, little-endian.
    let bytes: [UInt8]
  }

  let isBig: Bool
  /// By tag.
  let entries: [Int: Entry]

  init(_ file: [UInt8]) throws {
    let isLittle = file[0] == UInt8(ascii: "I")
    func number(_ start: Int, _ size: Int) -> Int {
      let bytes = isLittle ? Array(file[start..<start + size].reversed()) : Array(file[start..<start + size])
      return bytes.reduce(0) { $0 << 8 | Int($1) }
    }
    let version = number(2, 2)
    try #require([42, 43].contains(version))
    isBig = version == 43
    let word = isBig ? 8 : 4
    let directory = number(isBig ? 8 : 4, word)
    let countSize = isBig ? 8 : 2
    let entrySize = isBig ? 20 : 12
    var entries: [Int: Entry] = [:]
    for index in 0..<number(directory, countSize) {
      let start = directory + countSize + index * entrySize
      let (tag, type, count) = (number(start, 2), number(start + 2, 2), number(start + 4, word))
      // BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, DOUBLE, LONG8: bytes of an element.
      let size = try #require([1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 12: 8, 16: 8][type])
      let value = start + 4 + word
      let first = count * size <= word ? value : number(value, word)
      var bytes = Array(file[first..<first + count * size])
      if !isLittle {
        bytes = stride(from: 0, to: bytes.count, by: size).flatMap { bytes[$0..<$0 + size].reversed() }
      }
      entries[tag] = Entry(type: type, count: count, bytes: bytes)
    }
    self.entries = entries
  }

  /// The value of a tag with one element.
  func value(_ tag: Int) -> Int? { entries[tag].map { $0.bytes.reversed().reduce(0) { $0 << 8 | Int($1) } } }
}

/// A little-endian file with an orientation, in the place of its entry of PlanarConfiguration (284), whose default is that of one sample and of
/// interleaved ones. Orientation (274) then comes behind SamplesPerPixel, and libraries do not ask for the order.
func turned(_ file: [UInt8], orientation: UInt8) throws -> [UInt8] {
  var file = file
  let entry = try #require(
    file.indices.dropLast(12).first { file[$0..<$0 + 8].elementsEqual([28, 1, 3, 0, 1, 0, 0, 0]) })
  file[entry] = 18
  file[entry + 8] = orientation
  return file
}
