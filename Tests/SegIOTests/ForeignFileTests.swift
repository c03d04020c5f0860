import SegEngine
import Testing

@testable import SegFiles
@testable import SegONNX
@testable import SegWeights

@Suite("What is neither weights nor a model is named")
struct ForeignFileTests {
  private static let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"

  /// Beginnings of files, and what both readers say of them.
  private static let files: [(name: String, bytes: [UInt8], words: [String])] = [
    ("pointer", Array(pointer.utf8), ["Git LFS", "large file storage", "pointer", "git lfs pull"]),
    ("extended pointer", Array(pointer.replacing("\noid", with: "\next-0-a sha256:1\noid").utf8), ["Git LFS"]),
    ("annex", Array("/annex/objects/MD5-s1--0\n".utf8), ["git-annex"]),
    ("page", Array("<!DOCTYPE html><html><body>Too many requests</body></html>".utf8), ["web page", "HTML"]),
    ("page with a mark", [0xEF, 0xBB, 0xBF] + Array("\r\n  <HTML lang=\"en\">".utf8), ["HTML"]),
    ("xhtml", Array("<?xml version=\"1.0\"?><!DOCTYPE x><html>".utf8), ["HTML"]),
    ("xml", Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>".utf8), ["XML"]),
    (
      "openvino", Array("<?xml version=\"1.0\"?>\n<net name=\"a\" version=\"11\"><layers></layers></net>".utf8),
      ["OpenVINO"]
    ),
    ("json", Array(#"{"error": "not found"}"#.utf8), ["JSON"]),
    (
      "index", Array(#"{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}"#.utf8),
      ["index", "several files"]
    ),
    ("text", Array("Not Found\n".utf8), ["text", "Not Found"]),
    ("gzip", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1], ["gzip", "gunzip"]),
    ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0, 4, 0xE6], ["xz"]),
    ("bzip2", Array("BZh91AY&SY".utf8) + [0, 1], ["bzip2"]),
    ("zstd", [0x28, 0xB5, 0x2F, 0xFD, 4, 0], ["zstd"]),
    ("7z", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0, 4], ["7z"]),
    ("rar", Array("Rar!\u{1A}\u{7}".utf8) + [1, 0], ["RAR"]),
    ("tar", [UInt8](repeating: 0x61, count: 100) + [UInt8](repeating: 0, count: 157) + Array("ustar".utf8), ["tar"]),
    ("hdf5", [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0], ["HDF5"]),
    ("zeros", [UInt8](repeating: 0, count: 9000), ["zeros", "did not end"]),
    ("image", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], ["PNG image"]),
  ]

  @Test(arguments: files.map(\.name)) func bothReadersSayWhatAFileIs(_ name: String) throws {
    let file = try #require(Self.files.first { $0.name == name })
    let weights = try #require(throws: WeightsError.self) { try Parameters(FileBytes(file.bytes), named: "w.pth") }
    let model = try #require(throws: ONNXError.self) { try ONNXModel(FileBytes(file.bytes), named: "w.onnx") }
    for text in [weights.description, model.description] {
      for words in file.words { #expect(text.contains(words), "\(text)") }
      #expect(!text.contains("\n"))
    }
  }

  @Test func weightsInThePlaceOfAModel() throws {
    for (name, word) in [
      ("dtypes.safetensors", "safetensors"), ("arrays.npz", "NumPy archive"), ("state_dict.pth", "PyTorch"),
      ("legacy.pth", "PyTorch"), ("version1.npy", "NumPy array"),
    ] {
      let error = try #require(throws: ONNXError.self) { try ONNXModel(contentsOf: Fixtures.weights(name)) }
      #expect(error.description.contains(word), "\(error)")
    }
  }

  @Test func aModelInThePlaceOfWeights() throws {
    let error = try #require(throws: WeightsError.self) {
      try Parameters(contentsOf: ONNXImportTests.path("decoder.onnx"))
    }
    #expect(error.description.contains("an ONNX model"))
  }

  @Test func aModelThatIsCutOff() throws {
    let bytes = try Fixtures.bytes(ONNXImportTests.path("decoder.onnx"))
    for count in [bytes.count / 4, bytes.count / 2, bytes.count - 40] {
      let error = try #require(throws: ONNXError.self) {
        try ONNXModel(FileBytes(Array(bytes[..<count])), named: "net.onnx")
      }
      #expect(error.description.contains("cut off"), "\(error)")
    }
  }

  @Test func anArchiveOfOtherFiles() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/w.zip"
      try ZipWriter.write(to: path, names: ["weights/model.pth", "read me.txt"], compressed: false) { _ in
        NPY.encoded(Tensor(scalar: Float(1)))
      }
      for words in ["2 other files", "weights/model.pth", "unpack"] {
        let weights = try #require(throws: WeightsError.self) { try Parameters(contentsOf: path) }
        let model = try #require(throws: ONNXError.self) { try ONNXModel(contentsOf: path) }
        #expect(weights.description.contains(words), "\(weights)")
        #expect(model.description.contains(words), "\(model)")
      }
    }
  }

  /// The length of a safetensors header may look like the beginning of another format.
  @Test func aHeadersLengthIsNoSignature() throws {
    for length in [0x08_8B1F, 0x3C, 0x680B] {
      let json = #"{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
      let header = Array(json.utf8) + [UInt8](repeating: 0x20, count: length - json.utf8.count)
      let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + header + [7]
      #expect(try Parameters(FileBytes(bytes), named: "w")["w"] == Tensor([1], [UInt8(7)]))
    }
  }
}
