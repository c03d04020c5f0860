import SegEngine
import Testing

@testable import SegFiles
@testable import SegWeights

@Suite("safetensors files")
struct SafetensorsTests {
  /// A file of a header and as many zero bytes as are asked for.
  private func file(_ header: String, data: Int = 0) -> [UInt8] {
    let header = Array(header.utf8)
    return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
      + [UInt8](repeating: 0, count: data)
  }

  private func failure(_ bytes: [UInt8]) throws -> String {
    let error = try #require(throws: WeightsError.self) { try Safetensors(FileBytes(bytes), named: "w.safetensors") }
    #expect(error.description.hasPrefix("w.safetensors: "))
    #expect(!error.description.contains("\n"))
    return error.description
  }

  @Test("files of the reference implementation", arguments: ["dtypes.safetensors", "unaligned.safetensors"])
  func fixtures(_ name: String) throws {
    let contents = try Safetensors(contentsOf: Fixtures.weights(name))
    try expect(contents.tensors, areThoseOf: name)
    if name == "dtypes.safetensors" { #expect(contents.metadata == ["format": "pt", "note": "a \"b\"\n"]) }
  }

  @Test("what is written is read back, byte for byte the same each time")
  func roundTrip() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a.safetensors"
      let contents = Safetensors(assortedTensors, metadata: ["b": "line\nbreak", "a": "ü\""])
      try contents.write(to: path)
      let first = try Fixtures.bytes(path)
      let read = try Safetensors(contentsOf: path)
      #expect(read.tensors == assortedTensors)
      #expect(read.metadata == contents.metadata)
      try read.write(to: path)
      #expect(try Fixtures.bytes(path) == first)
      #expect(read.tensors == assortedTensors)
    }
  }

  @Test("a tensor outlives the value that read it, and writing to it leaves the file alone")
  func lifetime() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a.safetensors"
      try Safetensors(["w": Tensor([2], [Float(1), 2])]).write(to: path)
      let before = try Fixtures.bytes(path)
      var tensor = try #require(try Safetensors(contentsOf: path).tensors["w"])
      #expect(tensor.elements(of: Float.self) == [1, 2])
      tensor[0] = Float(5)
      #expect(tensor.elements(of: Float.self) == [5, 2])
      #expect(try Fixtures.bytes(path) == before)
    }
  }

  @Test("a header of 2⁶⁰ bytes, of more than there are, of none")
  func headerLength() throws {
    var bytes = file("{}")
    bytes[7] = 0x10
    #expect(try failure(bytes).contains("should have 1152921504606846978 bytes, but only 2 follow"))
    #expect(try failure(file("{}").dropLast()).contains("should have 2 bytes, but only 1 follow"))
    #expect(try failure([0, 0, 0, 0, 0, 0, 0, 0]).contains("hold no header"))
    #expect(try failure([0, 0, 0, 0, 0, 0, 0, 0, 1]).contains("no JSON object"))
  }

  @Test(
    "headers that contradict themselves or the file",
    arguments: [
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#,
        6, "belong to another"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        4, "belong to another"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#,
        12, "belong to no"
      ),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "belong to no"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5, "last 1 bytes"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3, "of 3"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "lies at"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4, "lies at"),
      (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "takes 8"),
      (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "impossible shape"),
      (#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, 4, "impossible shape"),
      (#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, 4, "lacks"),
      (#"{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}"#, 4, "type F8_E4M3"),
      (#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, 4, "lacks"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}"#, 4, "unexpected field x"),
      (
        #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
        0, "occurs twice"
      ),
      (#"{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "occurs twice"),
      (#"{"__metadata__":{"a":1}}"#, 0, "no string"),
      (#"{"a":1}"#, 0, "no JSON object"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}"#, 4, "out of range"),
    ])
  func contradictions(_ header: String, _ data: Int, _ reason: String) throws {
    #expect(try failure(file(header, data: data)).contains(reason))
  }

  @Test(
    "malformed JSON",
    arguments: [
      "{", "{\"", "{\"a\"", "{\"a\":", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":-}",
      "{\"a\":1e}", "{\"a\":tru}",
      "{\"a\":\"\\x\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\u{1}\"}",
      "{\"a\":[1,]}", "{} {}", "{}x",
      "{\"a\":[1 2]}", "{'a':1}", "{a:1}",
    ])
  func malformed(_ header: String) throws { #expect(try failure(file(header)).contains("malformed")) }

  @Test("JSON nested a hundred thousand deep does not overflow the stack")
  func nested() throws {
    let header = "{\"a\":" + String(repeating: "[", count: 100_000)
    #expect(try failure(file(header)).contains("nested more than 32 deep"))
  }

  @Test("a string that is not UTF-8")
  func notUTF8() throws {
    var bytes = file("{\"ab\":1}")
    bytes[10] = 0xFF
    #expect(try failure(bytes).contains("not UTF-8"))
  }

  @Test("trailing spaces and escapes are fine")
  func lenient() throws {
    let bytes = file(
      "{ \"\\u00e4\\ud83d\\ude00\\n\" : {\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]} }   ", data: 1)
    #expect(try Safetensors(FileBytes(bytes), named: "w").tensors == ["ä😀\n": Tensor(scalar: UInt8(0))])
  }
}
