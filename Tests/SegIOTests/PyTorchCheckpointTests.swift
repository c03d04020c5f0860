import Foundation
import SegEngine
import Testing

@testable import SegFiles
@testable import SegWeights

@Suite("PyTorch checkpoints are read as data")
struct PyTorchCheckpointTests {
  private func failure(_ name: String, key: String? = nil) throws -> WeightsError {
    let path = Fixtures.weights(name)
    let error = try #require(throws: WeightsError.self) { try Parameters(contentsOf: path, key: key) }
    #expect(error.description.hasPrefix(path))
    #expect(!error.description.contains("\n"))
    return error
  }

  private func keys(_ name: String) throws -> [[String]] {
    try Checkpoint(contentsOf: Fixtures.weights(name)).stateDictionaries.map(\.keys)
  }

  @Test(
    "files that torch.save wrote",
    arguments: [
      "state_dict.pth", "protocol4.pth", "protocol5.pth", "dtypes.pth", "rebuild_v3.pth", "views.pth", "nested.pth",
      "nested_twice.pth", "mixed.pth",
    ])
  func fixtures(_ name: String) throws {
    try expect(try Parameters(contentsOf: Fixtures.weights(name)).tensors, areThoseOf: name)
  }

  @Test("every dictionary of tensors is found with the keys that lead to it")
  func places() throws {
    #expect(try keys("state_dict.pth") == [[]])
    #expect(try keys("nested.pth") == [["state_dict"]])
    #expect(try keys("nested_twice.pth") == [["model", "state_dict"]])
    #expect(try keys("two_models.pth") == [["model"], ["state_dict"]])
    #expect(try keys("no_tensors.pth") == [])
    let mixed = try Checkpoint(contentsOf: Fixtures.weights("mixed.pth")).stateDictionaries
    #expect(mixed.map(\.keys) == [[]] && mixed[0].entries.keys.sorted() == ["w"])
  }

  @Test("several dictionaries need a name, none is an error")
  func ambiguous() throws {
    #expect(try failure("two_models.pth").cause == .severalStateDictionaries(keys: ["model", "state_dict"]))
    let path = Fixtures.weights("two_models.pth")
    #expect(try Parameters(contentsOf: path, key: "model").tensors == ["w": Tensor([1], [Float(1)])])
    #expect(try Parameters(contentsOf: path, key: "state_dict").tensors == ["w": Tensor([1], [Float(0)])])
    #expect(
      try failure("two_models.pth", key: "other").cause == .noStateDictionary(keys: ["model", "state_dict"]))
    #expect(try failure("no_tensors.pth").cause == .noStateDictionary(keys: []))
    #expect(try failure("list.pth").cause == .noStateDictionary(keys: []))
  }

  @Test(
    "calls of functions are data, and nothing is run",
    arguments: ["attack2.pth", "attack4.pth", "attack_eval.pth"])
  func attacks(_ name: String) throws {
    #expect(try Parameters(contentsOf: Fixtures.weights(name)).tensors == ["w": Tensor([1], [Float(1)])])
  }

  @Test("a module that was saved whole has the names of its state dictionary")
  func wholeModule() throws {
    let module = try Parameters(contentsOf: Fixtures.weights("whole_model.pth"))
    try expect(module.tensors, areThoseOf: "state_dict.pth")
  }

  @Test("the format before PyTorch 1.6")
  func legacy() throws {
    #expect(try Parameters(contentsOf: Fixtures.weights("legacy.pth")).tensors == ["w": Tensor([1], [Float(1)])])
  }

  @Test("programs are named, with the way out")
  func programs() throws {
    #expect(try failure("script.pt").description.contains("TorchScript"))
    #expect(try failure("script.pt").description.contains("state_dict()"))
  }

  @Test("damaged archives")
  func damaged() throws {
    #expect(try failure("no_storage.pth").description.contains("storage 0 is not in the archive"))
    #expect(try failure("short_storage.pth").description.contains("has 1 elements instead of 2"))
  }

  @Test("numbers in the other byte order")
  func bigEndian() throws {
    // The file's numbers are 1 in little-endian order.
    let value = Float(bitPattern: Float(1).bitPattern.byteSwapped)
    #expect(try Parameters(contentsOf: Fixtures.weights("big_endian.pth"))["w"] == Tensor([2], [value, value]))
  }

  @Test("strides of 0 repeat an element")
  func expanded() throws {
    let path = Fixtures.weights("expanded.pth")
    #expect(try Parameters(contentsOf: path)["w"] == Tensor([1000], [Float](repeating: 1, count: 1000)))
  }

  @Test("tensors share the memory of their storage")
  func sharing() throws {
    let parameters = try Parameters(contentsOf: Fixtures.weights("views.pth"))
    let whole = try #require(parameters["whole"])
    let part = try #require(parameters["part"])
    #expect(
      whole.withUnsafeBytes { Int(bitPattern: $0.baseAddress) } + 20
        == part.withUnsafeBytes { Int(bitPattern: $0.baseAddress) })
  }

  @Test("a checkpoint may be read from several threads, any number of times")
  func concurrentReading() async throws {
    let checkpoint = try Checkpoint(contentsOf: Fixtures.weights("views.pth"))
    let entries = checkpoint.stateDictionaries[0].entries
    try await withThrowingTaskGroup(of: [String: Tensor].self) { group in
      for _ in 0..<8 {
        group.addTask {
          try entries.mapValues { entry in
            guard case .tensor(_, let read) = entry else { throw WeightsError("views.pth", .empty) }
            return try read()
          }
        }
      }
      for try await tensors in group { try expect(tensors, areThoseOf: "views.pth") }
    }
  }
}

@Suite("The unpickler gives data and runs nothing")
struct UnpicklerTests {
  private func load(_ pickle: String) throws -> PickleValue {
    try contents(pickle).root
  }

  private func contents(_ pickle: String) throws -> Unpickler.Contents {
    try Unpickler.load(FileBytes(pickle.unicodeScalars.map { UInt8($0.value) }))
  }

  @Test("numbers")
  func numbers() throws {
    for (pickle, value) in [
      ("K\u{5}.", 5), ("M\u{1}\u{1}.", 257), ("J\u{FF}\u{FF}\u{FF}\u{FF}.", -1), ("\u{8A}\u{0}.", 0),
      ("\u{8A}\u{1}\u{FF}.", -1),
      ("\u{8A}\u{2}\u{FF}\u{0}.", 255), ("\u{8B}\u{1}\u{0}\u{0}\u{0}\u{7F}.", 127),
      ("\u{8A}\u{8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{80}.", Int.min), ("I12\n.", 12), ("L-7L\n.", -7),
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
      "NNR.", "Q.", "NQ.", "pa\n.", "g0\n.", "(o.", "I\n.", "Ix\n.", "Fx\n.", "Lx\n.", "N]a.", "N(Ne.", "N}s.",
      ")Q.", "b.", "Nb.", "\u{93}.", "NN\u{93}.", "\u{80}\u{9}N.", "X\u{FF}\u{FF}\u{FF}\u{FF}a.",
      "\u{8D}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}a.",
      "\u{8B}\u{FF}\u{FF}\u{FF}\u{FF}.", "N(0.", "cos", "cos\nsystem", "P1\n.", "\u{FF}", "\u{82}\u{1}.",
      "N\u{90}.", "(\u{90}.", "NN\u{92}.", "ccollections\nOrderedDict\n(]NatR.",
      "ctorch._utils\n_rebuild_tensor_v2\n)R.", "ctorch._utils\n_rebuild_tensor_v3\n)R.",
      "((\u{8C}\u{7}storagectorch\nFloatStorage\n\u{8C}\u{1}0\u{8C}\u{3}cpuJ\u{FF}\u{FF}\u{FF}\u{FF}tQ.",
    ])
  func malformed(_ pickle: String) { #expect(throws: FormatFailure.self) { try load(pickle) } }

  @Test(
    "an object of any class is opaque, however it is named and made",
    arguments: [
      "cos\nsystem\n(U\u{4}echotR.", "\u{8C}\u{2}os\u{8C}\u{6}system\u{93})R.", "(U\u{4}echoios\nsystem\n.",
      "(cos\nsystem\nU\u{4}echoo.", "ctorch.storage\n_load_from_bytes\n(C\u{1}atR.", "c__builtin__\ngetattr\n)\u{81}.",
      "cos\nsystem\n)}\u{92}.", "cos\nsystem\n)R)R.", "cm\nC\n)R}b.", "cm\nC\n)R(U\u{1}aK\u{1}u.", "cm\nC\n)R(Ne.",
    ])
  func opaque(_ pickle: String) throws {
    guard case .object = try load(pickle) else {
      Issue.record("\(pickle)")
      return
    }
  }

  @Test("what is known of an object is what it was made from")
  func objects() throws {
    let (heap, root) = try { ($0.heap, $0.root) }(contents("cm\nC\n(K\u{5}tR(U\u{1}aK\u{1}u(K\u{2}e}b."))
    guard case .object(let index) = root else {
      Issue.record("no object")
      return
    }
    let object = heap.objects[index]
    guard case .tuple(let arguments) = object.arguments, case .int(5) = heap.tuples[arguments][0],
      case .dictionary(let state) = object.state, heap.dictionaries[state].isEmpty,
      let items = object.items, case .int(1)? = heap.value(of: "a", in: items),
      let elements = object.elements, case .int(2) = heap.lists[elements][0]
    else {
      Issue.record("\(object)")
      return
    }
  }

  @Test("nesting and cycles cost no stack")
  func deep() throws {
    _ = try load(String(repeating: "]", count: 1_000_000) + String(repeating: "a", count: 999_999) + ".")
    _ = try load("]q\u{0}h\u{0}a.")
    _ = try load("N" + String(repeating: "\u{85}", count: 1_000_000) + ".")
  }

  @Test("dictionaries that hold themselves, or one another many times, end the search")
  func cyclicDictionaries() throws {
    func found(_ pickle: String) throws -> [PickledDictionary] {
      let contents = try contents(pickle)
      return PickledDictionaries.find(in: contents.root, contents.heap)
    }
    let tensor =
      "ctorch._utils\n_rebuild_tensor_v2\n((U\u{7}storagectorch\nFloatStorage\nU\u{1}0U\u{3}cpuK\u{1}tQK\u{0}))tR"
    #expect(try found("}q\u{0}(U\u{1}ah\u{0}u.").isEmpty)
    let cyclic = try found("}q\u{0}(U\u{1}ah\u{0}U\u{1}w\(tensor)u.")
    #expect(cyclic.first?.keys == [] && cyclic.first?.entries.count == 1 && cyclic.count < 100)
    // Each dictionary holds the one before under sixteen keys: 16^60 ways lead to the tensor.
    var bomb = "}(U\u{1}w\(tensor)uq\u{0}"
    for level in 1..<60 {
      let keys = (0..<16).map { "U\u{2}\(UInt8($0 + 10))h\(Character(Unicode.Scalar(UInt8(level - 1))))" }.joined()
      bomb += "}(\(keys)uq\(Character(Unicode.Scalar(UInt8(level))))"
    }
    #expect(try found(bomb + ".").count < 100_000)
    // A class whose instances' states are themselves.
    #expect(try found("cm\nC\n)Rq\u{0}h\u{0}b.").isEmpty)
    #expect(try found("cm\nC\n)Rq\u{0}(U\u{1}wh\u{0}U\u{1}x\(tensor)uh\u{0}b.").count < 100)
  }

  @Test("a stack or a memo higher than any checkpoint's is an error")
  func high() {
    let count = 1 << 24 + 2
    for pickle in [String(repeating: "]", count: count), "N" + String(repeating: "\u{94}", count: count)] {
      #expect(throws: FormatFailure.self) { try load(pickle + ".") }
    }
  }

  @Test("the memo keeps what it is given under any numbers")
  func memo() throws {
    guard case .int(7) = try load("K\u{7}r\u{0}\u{0}\u{1}\u{0}0K\u{8}q\u{0}0Nq\u{1}0j\u{0}\u{0}\u{1}\u{0}."),
      case .int(8) = try load("Nq\u{0}0K\u{8}q\u{0}0h\u{0}.")
    else {
      Issue.record("the memo forgets")
      return
    }
  }

  @Test("a long key before many names is not repeated for all of them")
  func longKeys() throws {
    let tensor =
      "ctorch._utils\n_rebuild_tensor_v2\n((U\u{7}storagectorch\nFloatStorage\nU\u{1}0U\u{3}cpuK\u{1}tQK\u{0}))tR"
    let names = (0..<20_000).map {
      "M\(Character(Unicode.Scalar(UInt8($0 % 128))))\(Character(Unicode.Scalar(UInt8($0 / 128))))h\u{1}"
    }
    let length = 100_000
    let key = "V" + String(repeating: "k", count: length) + "\n"
    let contents = try contents("\(tensor)q\u{1}0}(\(key)}(\(names.joined())uu.")
    #expect(PickledDictionaries.find(in: contents.root, contents.heap).isEmpty)
  }

  @Test("nothing is copied more often than there is of it")
  func copies() throws {
    let list = "(" + String(repeating: "(NNl", count: 1000) + "lq\u{0}"
    let copy = "0ccollections\nOrderedDict\n(h\u{0}tR"
    _ = try load(list + copy + ".")
    #expect(throws: FormatFailure.self) { try load(list + String(repeating: copy, count: 100) + ".") }
  }
}
