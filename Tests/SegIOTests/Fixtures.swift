import Foundation

/// Files under `Tests/Fixtures`, and what the scripts that made them say of their contents.
enum Fixtures {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures")

  static func image(_ name: String) -> String { root.appending(path: "images/\(name)").path(percentEncoded: false) }

  static func weights(_ name: String) -> String { root.appending(path: "weights/\(name)").path(percentEncoded: false) }

  static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

  /// What `images/expected.json` says of a file.
  struct ExpectedImage: Decodable {
    let width, height, channels, bits: Int
    let samples: String
    let raw: String?
    let tolerance: Int?

    /// Hexadecimal digits, two or four a value.
    func values(_ digits: String) -> [Int] { hexadecimal(digits, width: bits / 4) }
  }

  static func furtherImage(_ name: String) -> String {
    root.appending(path: "images-further/\(name)").path(percentEncoded: false)
  }

  /// What `images-further/expected.json` says.
  struct FurtherImages: Decodable {
    struct Expected: Decodable {
      let width, height: Int
      let layout, type: String
      let white: Float
      /// Hexadecimal digits of the samples' big-endian bytes.
      let samples: String
      let stored: [Double]?
      let tolerance: Float?
      let warnings: [String]?

      /// The samples as numbers, which float32 holds exactly.
      var values: [Float] {
        switch type {
        case "uint8": hexadecimal(samples, width: 2).map { Float($0) }
        case "uint16": hexadecimal(samples, width: 4).map { Float($0) }
        default: hexadecimal(samples, width: 8).map { Float(bitPattern: UInt32($0)) }
        }
      }
    }

    /// By the file's name, behind which a number is that of the page.
    let images: [String: Expected]
    /// Words that the error of a damaged file has.
    let damaged: [String: String]
  }

  static let furtherImages: FurtherImages = {
    guard let data = FileManager.default.contents(atPath: furtherImage("expected.json")),
      let value = try? JSONDecoder().decode(FurtherImages.self, from: data)
    else { return FurtherImages(images: [:], damaged: [:]) }
    return value
  }()

  static func geotiff(_ name: String) -> String { root.appending(path: "geotiff/\(name)").path(percentEncoded: false) }

  /// What `geotiff/expected.json` says of a file.
  struct ExpectedGeoreference: Decodable {
    /// An element of a tag: a number, or a byte of text.
    typealias Elements = [Double]
    /// GDAL's geotransform.
    let transform: [Double]?
    let epsg: Int?
    /// By the tags' numbers.
    let tags: [String: Elements]
  }

  static let georeferences: [String: ExpectedGeoreference] = decoded(geotiff("expected.json"))

  static let images: [String: ExpectedImage] = decoded(image("expected.json"))

  /// What `weights/expected.json` says of a tensor.
  struct ExpectedTensor: Decodable {
    let type: String
    let shape: [Int]
    /// Little-endian bytes.
    let data: String

    var bytes: [UInt8] { hexadecimal(data, width: 2).map { UInt8($0) } }
  }

  static let tensors: [String: [String: ExpectedTensor]] = decoded(weights("expected.json"))

  private static func decoded<Value: Decodable>(_ path: String) -> [String: Value] {
    guard let data = FileManager.default.contents(atPath: path),
      let value = try? JSONDecoder().decode([String: Value].self, from: data)
    else { return [:] }
    return value
  }
}

private func hexadecimal(_ digits: String, width: Int) -> [Int] {
  let digits = Array(digits.utf8)
  return stride(from: 0, to: digits.count, by: width).map { start in
    Int(String(decoding: digits[start..<(start + width)], as: UTF8.self), radix: 16) ?? -1
  }
}

/// Runs a body with a new folder that is removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "segio-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path(percentEncoded: false))
}

/// Writes bytes to a path.
func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

/// Names in a folder, sorted.
func names(in folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

/// A small generator whose sequence is the same in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    // SplitMix64 (Steele, Lea and Flood 2014).
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Copies of a file with one to three bits flipped, the same in every run.
func bitFlips(of bytes: [UInt8], count: Int, seed: UInt64) -> [[UInt8]] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { _ in
    var copy = bytes
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      copy[Int.random(in: copy.indices, using: &generator)] ^= 1 << Int.random(in: 0..<8, using: &generator)
    }
    return copy
  }
}
