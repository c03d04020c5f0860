import Foundation
import SegEngine
import SegIO
import Testing

/// ONNX files wherever a network's name is taken.
@Suite struct ONNXTests {
  private static let decoder = Repository.path("Tests/Fixtures/onnx/decoder.onnx")

  @Test func inspectTellsWhatIsInTheFile() throws {
    struct Report: Decodable {
      let opset, parameters, macs, transposes: Int
      let operators: [String: Int]
      let unsupported, evaluated, outputs: [String]
    }
    let result = try seg("onnx", "inspect", Self.decoder, "--size", "32x48", "--json")
    expectSuccess(result)
    let report: Report = try result.json()
    #expect(report.opset == 13 && report.outputs == ["logits"])
    #expect(report.operators["Conv"] == 6 && report.operators["Resize"] == 2)
    #expect(report.unsupported == [] && report.evaluated == [])
    #expect(report.transposes == 2)
    // By hand: 3→8 3×3, depthwise 8 3×3, 8→8 1×1 on one pixel, 8→16 3×3 at half of that, 24→8 3×3, 8→5 1×1.
    let (full, half) = (16 * 24, 8 * 12)
    #expect(
      report.macs == full * 8 * 27 + full * 8 * 9 + 64 + half * 16 * 72 + full * 8 * 216 + full * 40)
    #expect(report.parameters == 8 * 27 + 8 + 8 * 9 + 8 + 64 + 8 + 16 * 72 + 16 + 8 * 216 + 8 + 40 + 5)
  }

  @Test func runGivesWhatTheLibraryGives() throws {
    let folder = try Folder()
    let image = Tensor([1, 3, 40, 24], (0..<3 * 40 * 24).map { Float($0 % 23) / 23 })
    try NPZ(["image": image]).write(to: folder.path("in.npz"))
    expectSuccess(try seg("run", Self.decoder, "--input", folder.path("in.npz"), "--output", folder.path("out.npz")))
    let logits = try #require(try NPZ(contentsOf: folder.path("out.npz")).arrays["logits"])
    #expect(logits.shape == [1, 5, 40, 24])
    #expect(try Model(ONNXModel(contentsOf: Self.decoder)).run(["image": image])["logits"] == logits)
  }

  private static let sizes = Repository.path("Tests/Fixtures/onnx-stages/sizes.onnx")

  /// Shapes that depend on values, and a small input given by its numbers.
  @Test func runTakesSmallInputsByTheirNumbers() throws {
    let folder = try Folder()
    let x = Tensor([1, 2, 6, 7], (0..<84).map { Float($0 % 23) / 23 })
    try NPZ(["x": x]).write(to: folder.path("x.npz"))
    try NPZ(["x": x, "size": Tensor([2], [9, 5] as [Float])]).write(to: folder.path("both.npz"))
    func run(_ name: String, _ inputs: String...) throws -> [String: Tensor] {
      let options = inputs.flatMap { ["--input", $0] }
      expectSuccess(try seg(["run", Self.sizes] + options + ["--output", folder.path(name)]))
      return try NPZ(contentsOf: folder.path(name)).arrays
    }
    let results = try run("a.npz", folder.path("both.npz"))
    #expect(results["r"]?.shape == [1, 2, 9, 5])
    #expect(try run("b.npz", folder.path("x.npz"), "size=9,5") == results)
    #expect(try run("c.npz", "size=4,12", folder.path("x.npz"))["r"]?.shape == [1, 2, 4, 12])
    func failure(_ inputs: String..., words: [String], code: Int32 = 64) throws {
      let options = inputs.flatMap { ["--input", $0] }
      expectFailure(try seg(["run", Self.sizes] + options + ["--output", folder.path("d.npz")]), code, words)
    }
    try failure(folder.path("x.npz"), "size=4,x", words: ["size", "x is no number"])
    try failure(folder.path("x.npz"), "size=4,5,6", words: ["size", "3 numbers", "[2]"])
    try failure(folder.path("both.npz"), "size=4,5", words: ["size", "twice"])
    try failure(folder.path("x.npz"), words: ["input size", "missing"], code: 65)
    try failure(folder.path("x.npz"), "size=0,5", words: ["sizes.onnx", "Resize at r"], code: 65)
  }

  /// A file whose cost is not known is listed all the same.
  @Test func inspectListsWhatDependsOnValues() throws {
    struct Report: Decodable {
      struct Port: Decodable {
        let name: String
        let shape: [Int?]?
      }
      let inputs: [Port]
      let operators: [String: Int]
      let macs: Int?
      let unknownCost: String?
    }
    let result = try seg("onnx", "inspect", Self.sizes, "--json")
    expectSuccess(result)
    let report: Report = try result.json()
    #expect(report.inputs.map(\.name) == ["x", "size"] && report.inputs[0].shape == [1, 2, nil, nil])
    #expect(report.operators["Resize"] == 1 && report.macs == nil)
    #expect(report.unknownCost?.contains("axis 2") ?? false)
    let sized = try seg("onnx", "inspect", Self.sizes, "--size", "6x7")
    expectSuccess(sized)
    #expect(sized.output.contains("cost not known: Resize at r: its input sizes is known only when the network runs"))
  }

  @Test func segmentTakesSettingsFromBesideTheFileAndFromOptions() throws {
    let folder = try Folder()
    try FileManager.default.copyItem(atPath: Self.decoder, toPath: folder.path("net.onnx"))
    try Data(#"{"size": [32, 48], "range": "white", "mean": [0], "deviation": [1]}"#.utf8)
      .write(to: URL(filePath: folder.path("net.json")))
    let arguments = ["segment", Repository.image(0), "--model", folder.path("net.onnx")]
    expectSuccess(try seg(arguments + ["-o", folder.path("a")]))
    expectSuccess(
      try seg(
        [
          "segment", Repository.image(0), "--model", Self.decoder, "-o", folder.path("b"), "--input-size", "32x48",
          "--mean", "0", "--deviation", "1",
        ]))
    let name = Repository.frames[0] + ".png"
    let mask = try LabelMap(contentsOf: folder.path("a/" + name))
    let image = try Image(contentsOf: Repository.image(0))
    #expect((mask.width, mask.height) == (image.width, image.height))
    #expect(try mask == LabelMap(contentsOf: folder.path("b/" + name)))
    #expect(Set(mask.labels).count > 1 && mask.labels.allSatisfy { $0 < 5 })
    // Other numbers, other labels: the settings are not ignored.
    expectSuccess(try seg(arguments + ["-o", folder.path("c"), "--mean", "0.9"]))
    #expect(try mask != LabelMap(contentsOf: folder.path("c/" + name)))
  }

  @Test func benchAndSummaryTakeFiles() throws {
    expectSuccess(try seg("bench", Self.decoder, "--size", "32x32", "--rounds", "1"))
    expectSuccess(try seg("summary", Self.decoder, "--size", "32x32"))
  }

  @Test func whatIsWrongIsOneLine() throws {
    let folder = try Folder()
    try Data("no model".utf8).write(to: URL(filePath: folder.path("bad.onnx")))
    expectFailure(try seg("summary", folder.path("bad.onnx")), 65, ["bad.onnx", "a text"])
    expectFailure(try seg("summary", folder.path("none.onnx")), 66, ["none.onnx"])
    expectFailure(try seg("summary", Self.decoder), 65, ["decoder.onnx", "image", "open"])
    try Data(#"{"range": "purple"}"#.utf8).write(to: URL(filePath: folder.path("net.json")))
    expectFailure(
      try seg(
        "segment", Repository.image(0), "--model", Self.decoder, "-o", folder.path("o"), "--settings",
        folder.path("net.json")), 65, ["net.json", "range", "purple"])
    try Data(#"{"mean": "x"}"#.utf8).write(to: URL(filePath: folder.path("net.json")))
    expectFailure(
      try seg(
        "segment", Repository.image(0), "--model", Self.decoder, "-o", folder.path("o"), "--settings",
        folder.path("net.json")), 65, ["net.json", "mean"])
    expectFailure(
      try seg(
        "segment", Repository.image(0), "--model", Self.decoder, "--weights", Repository.weights, "-o", folder.path("o")
      ),
      64, ["weights"])
    #expect(!FileManager.default.fileExists(atPath: folder.path("o")))
  }
}
