import Foundation
import SegEngine
import Testing

@testable import SegIO

@Suite("PyTorch checkpoints are read as data")
struct PyTorchCheckpointTests {
  private func failure(_ name: String) throws -> WeightsError {
    let path = Fixtures.weights(name)
    let error = try #require(throws: WeightsError.self) { try PyTorchCheckpoint(contentsOf: path) }
    #expect(error.description.hasPrefix(path))
    #expect(!error.description.contains("\n"))
    return error
  }

  @Test(
    "files that torch.save wrote",
    arguments: [
      "state_dict.pth", "protocol4.pth", "protocol5.pth", "dtypes.pth", "rebuild_v3.pth", "views.pth", "nested.pth",
      "nested_twice.pth", "mixed.pth",
    ])
  func fixtures(_ name: String) throws {
    try expect(try PyTorchCheckpoint(contentsOf: Fixtures.weights(name)).parameters.tensors, areThoseOf: name)
  }

  @Test("where the state dictionary was found, and what was left out")
  func places() throws {
    let plain = try PyTorchCheckpoint(contentsOf: Fixtures.weights("state_dict.pth"))
    #expect(plain.stateDictionaryKeys == [])
    #expect(plain.skippedEntries == [])
    let nested = try PyTorchCheckpoint(contentsOf: Fixtures.weights("nested.pth"))
    #expect(nested.stateDictionaryKeys == ["state_dict"])
    let beside = ["big", "bytes", "device", "dtype", "epoch", "loss", "none", "optimizer", "set", "size", "5"]
    #expect(nested.skippedEntries == beside)
    let twice = try PyTorchCheckpoint(contentsOf: Fixtures.weights("nested_twice.pth"))
    #expect(twice.stateDictionaryKeys == ["model", "state_dict"])
    #expect(try PyTorchCheckpoint(contentsOf: Fixtures.weights("mixed.pth")).skippedEntries == ["note"])
  }

  @Test("several state dictionaries need a name, none is an error with the keys that are there")
  func ambiguous() throws {
    #expect(try failure("two_models.pth").cause == .severalStateDictionaries(keys: ["state_dict", "model"]))
    let path = Fixtures.weights("two_models.pth")
    let model = try PyTorchCheckpoint(contentsOf: path, stateDictionaryKey: "model")
    #expect(model.parameters["w"] == Tensor([1], [Float(1)]))
    #expect(model.skippedEntries == ["state_dict"])
    #expect(throws: WeightsError.self) { try PyTorchCheckpoint(contentsOf: path, stateDictionaryKey: "other") }
    #expect(try failure("no_tensors.pth").cause == .noStateDictionary(keys: ["epoch", "history"]))
    #expect(try failure("list.pth").cause == .noStateDictionary(keys: []))
  }

  @Test(
    "objects that are not plain data are refused by name, and nothing is run",
    arguments: [
      ("attack2.pth", "posix.system"), ("attack4.pth", "posix.system"), ("attack_eval.pth", "__builtin__.eval"),
      ("whole_model.pth", "__main__.Small"),
    ])
  func refused(_ name: String, _ global: String) throws {
    #expect(try failure(name).cause == .refusedGlobal(name: global))
  }

  @Test("other formats of PyTorch are named, with the way out")
  func otherFormats() throws {
    #expect(try failure("legacy.pth").description.contains("torch.save(torch.load(old), new)"))
    #expect(try failure("script.pt").description.contains("TorchScript"))
  }

  @Test("damaged archives")
  func damaged() throws {
    #expect(try failure("big_endian.pth").description.contains("little-endian"))
    #expect(try failure("no_storage.pth").description.contains("storage 0 is not in the archive"))
    #expect(try failure("short_storage.pth").description.contains("has 1 elements instead of 2"))
    #expect(try failure("expanded.pth").description.contains("repeat elements"))
  }

  @Test("tensors share the memory of their storage")
  func sharing() throws {
    let parameters = try PyTorchCheckpoint(contentsOf: Fixtures.weights("views.pth")).parameters
    let whole = try #require(parameters["whole"])
    let part = try #require(parameters["part"])
    #expect(
      whole.withUnsafeBytes { Int(bitPattern: $0.baseAddress) } + 20
        == part.withUnsafeBytes { Int(bitPattern: $0.baseAddress) })
  }
}

@Suite("The unpickler knows plain data and nothing else")
struct UnpicklerTests {
  private func load(_ pickle: String) throws -> PickleValue {
    try Unpickler.load(FileBytes(pickle.unicodeScalars.map { UInt8($0.value) })).root
  }

  @Test("numbers")
  func numbers() throws {
    for (pickle, value) in [
      ("K\u{5}.", 5), ("M\u{1}\u{1}.", 257), ("J\u{FF}\u{FF}\u{FF}\u{FF}.", -1), ("\u{8A}\u{0}.", 0),
      ("\u{8A}\u{1}\u{FF}.", -1),
      ("\u{8A}\u{2}\u{FF}\u{0}.", 255), ("\u{8B}\u{1}\u{0}\u{0}\u{0}\u{7F}.", 127),
      ("\u{8A}\u{8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{80}.", Int.min),
    ] {
      guard case .int(value) = try load(pickle) else {
        Issue.record("\(value)")
        continue
      }
    }
  }

  @Test(
    "pickles that are no pickles",
    arguments: [
      "", "N", "(.", "0.", "1.", "t.", "a.", "]a.", "]N", "}s.", "}Ns.", "(Nd.", "}(Nu.", "h\u{1}.", "q\u{1}.", "R.",
      "NNR.", "N)R.", "Q.", "NQ.",
      ")Q.", "b.", "N}b.", "\u{93}.", "NN\u{93}.", "\u{80}\u{9}N.", "X\u{FF}\u{FF}\u{FF}\u{FF}a.",
      "\u{8D}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}a.",
      "\u{8B}\u{FF}\u{FF}\u{FF}\u{FF}.", "N(0.", "cos", "cos\nsystem", "P1\n.", "I1\n.", "\u{FF}", "\u{82}\u{1}.",
      "N\u{90}.", "(\u{90}.",
      "ccollections\nOrderedDict\n(]tR.", "ctorch\nSize\nN\u{85}R.", "ctorch._utils\n_rebuild_tensor_v2\n)R.",
      "ctorch._utils\n_rebuild_parameter\nN\u{85}R.", "ctorch\nFloatStorage\n)R.",
    ])
  func malformed(_ pickle: String) { #expect(throws: Unpickler.Failure.self) { try load(pickle) } }

  @Test(
    "objects are refused where they are named, however they are named",
    arguments: [
      "cos\nsystem\n(U\u{4}echotR.", "\u{8C}\u{2}os\u{8C}\u{6}system\u{93}.", "(U\u{4}echoios\nsystem\n.",
      "cos\nsystem\n0N.",
      "ctorch.storage\n_load_from_bytes\n.", "c__builtin__\ngetattr\n.", "ctorch\nload\n.",
    ])
  func refused(_ pickle: String) throws {
    let error = try #require(throws: Unpickler.Failure.self) { try load(pickle) }
    guard case .refusedGlobal(let name) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(["os.system", "torch.storage._load_from_bytes", "__builtin__.getattr", "torch.load"].contains(name))
  }

  @Test("nesting and cycles cost no stack")
  func deep() throws {
    _ = try load(String(repeating: "]", count: 1_000_000) + String(repeating: "a", count: 999_999) + ".")
    _ = try load("]q\u{0}h\u{0}a.")
    _ = try load("N" + String(repeating: "\u{85}", count: 1_000_000) + ".")
  }

  @Test("dictionaries that hold themselves end the search")
  func cyclicStateDictionary() throws {
    let keys = PyTorchCheckpoint.knownStateDictionaryKeys
    let entries = keys.map { "\u{8C}\(Character(Unicode.Scalar(UInt8($0.utf8.count))))\($0)h\u{0}" }.joined()
    let bytes = FileBytes("}q\u{0}(\(entries)u.".unicodeScalars.map { UInt8($0.value) })
    let (root, heap) = try Unpickler.load(bytes)
    var finder = StateDictionaryFinder(heap: heap, path: "w")
    #expect(throws: WeightsError("w", .noStateDictionary(keys: keys.sorted()))) { try finder.find(in: root, key: nil) }
  }
}
