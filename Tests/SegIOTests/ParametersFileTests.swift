import SegEngine
import Testing

@testable import SegFiles
@testable import SegWeights

@Suite("Weights of any format")
struct ParametersFileTests {
  @Test(
    "the format is found by the contents",
    arguments: ["dtypes.safetensors", "arrays.npz", "deflated.npz", "dtypes.pth", "nested.pth"])
  func reading(_ name: String) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/weights.bin"
      try write(Fixtures.bytes(Fixtures.weights(name)), to: path)
      try expect(try Parameters(contentsOf: path).tensors, areThoseOf: name)
    }
  }

  @Test("the ending decides what is written", arguments: ["a.safetensors", "a.npz", "A.NPZ"])
  func writing(_ name: String) throws {
    try withTemporaryFolder { folder in
      try Parameters(assortedTensors).write(to: folder + "/" + name)
      #expect(try Parameters(contentsOf: folder + "/" + name).tensors == assortedTensors)
    }
  }

  @Test("another ending is an error")
  func unknownEnding() throws {
    #expect(throws: WeightsError("a.pth", .unknownEnding)) { try Parameters().write(to: "a.pth") }
  }

  @Test("what is no weights file is named where it is known")
  func wrongFiles() throws {
    try withTemporaryFolder { (folder) throws in
      func failure(_ bytes: [UInt8]) throws -> String {
        try write(bytes, to: folder + "/w")
        let error = try #require(throws: WeightsError.self) { try Parameters(contentsOf: folder + "/w") }
        #expect(error.description.hasPrefix(folder + "/w: "))
        #expect(!error.description.contains("\n"))
        return error.description
      }
      #expect(try failure([]).contains("empty"))
      #expect(try failure(Array("hello".utf8)).contains("is no safetensors, NPZ or PyTorch"))
      #expect(try failure(Fixtures.bytes(Fixtures.weights("version1.npy"))).contains("numpy.savez"))
      #expect(try failure([0x80, 4, 0x4E, 0x2E]).contains("bare Python pickle"))
      #expect(try failure([0x50, 0x4B, 3, 4]).contains("zip"))
      #expect(throws: WeightsError.self) { try Parameters(contentsOf: folder + "/none") }
      #expect(throws: WeightsError.self) { try Parameters(contentsOf: folder) }
      #expect(throws: WeightsError.self) { try Parameters(contentsOf: "/dev/zero") }
    }
  }

  private static let small = [
    "dtypes.safetensors", "unaligned.safetensors", "arrays.npz", "deflated.npz", "views.pth", "nested.pth",
    "protocol4.pth",
    "rebuild_v3.pth", "legacy.pth", "whole_model.pth",
  ]

  @Test("a file cut off anywhere is an error", arguments: small)
  func truncation(_ name: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.weights(name))
    for count in 0..<bytes.count {
      let error = #expect(throws: WeightsError.self) { try Parameters(FileBytes(Array(bytes[..<count])), named: name) }
      #expect(error?.description.contains("\n") == false)
    }
  }

  @Test("flipped bits never end the program", arguments: small)
  func flippedBits(_ name: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.weights(name))
    for copy in bitFlips(of: bytes, count: 1500, seed: 5) { _ = try? Parameters(FileBytes(copy), named: name) }
  }

  @Test(
    "flipped bits in a pickle never end the program",
    arguments: ["views.pth", "nested.pth", "dtypes.pth", "protocol4.pth", "whole_model.pth"])
  func flippedPickle(_ name: String) throws {
    // Directly, because an archive's CRC would stop nearly all of them.
    let archive = try ZipArchive(FileBytes(mapping: Fixtures.weights(name)))
    let entry = try #require(archive.entries.first { $0.name.hasSuffix("data.pkl") })
    let pickle = try archive.contents(of: entry).copy
    let folder = String(entry.name.dropLast("data.pkl".count)) + "data/"
    for copy in bitFlips(of: pickle, count: 4000, seed: 23) {
      guard let contents = try? Unpickler.load(FileBytes(copy)) else { continue }
      let storages = CheckpointStorages(contents.heap, .archive(archive, folder: folder), fileSize: 1 << 14)
      for dictionary in PickledDictionaries.find(in: contents.root, contents.heap) {
        for case .tensor(let view) in dictionary.entries.values {
          _ = try? storages.spec(of: view)
          _ = try? storages.tensor(view)
        }
      }
    }
  }
}

@Suite("Numbers of every stored type")
struct StoredElementTests {
  @Test("all 65536 half-precision numbers")
  func half() {
    for bits in UInt16.min...UInt16.max {
      let value = StoredElement.float(half: bits)
      // By the definition of IEEE 754 binary16.
      let sign: Float = bits & 0x8000 == 0 ? 1 : -1
      let exponent = Int(bits >> 10 & 31)
      let fraction = Float(bits & 0x3FF)
      switch (exponent, fraction) {
      case (31, 0): #expect(value == sign * .infinity)
      case (31, _): #expect(value.isNaN)
      case (0, _):
        #expect(value == sign * fraction / 16_777_216)
        #expect(value.sign == (sign > 0 ? .plus : .minus))
      default:
        var expected = sign * (1 + fraction / 1024)
        for _ in 0..<abs(exponent - 15) { expected *= exponent > 15 ? 2 : 0.5 }
        #expect(value == expected)
      }
    }
  }

  @Test("either byte order gives the same numbers", arguments: StoredElement.allCases)
  func byteOrder(_ stored: StoredElement) {
    let little: [UInt8] = (0..<(3 * stored.byteCount)).map { UInt8($0 * 7 % 100) }
    var big = little
    for element in 0..<3 { big[(element * stored.byteCount)..<((element + 1) * stored.byteCount)].reverse() }
    let a = little.withUnsafeBytes { stored.tensor([3], from: $0) }
    let b = big.withUnsafeBytes { stored.tensor([3], from: $0, isBigEndian: true) }
    #expect(a == b)
    #expect(a.elementType == stored.elementType)
  }
}

extension FileBytes {
  /// The bytes as an array.
  var copy: [UInt8] { withExtendedLifetime(self) { Array(bytes) } }
}
