import Foundation
import SegEngine
import SegModels
import TestSupport
import Testing

@testable import SegFiles
@testable import SegONNX
@testable import SegWeights

/// Small networks whose shapes depend on values, or that have functions, control flow, sequences or recurrent layers
/// (Tests/Fixtures/onnx-stages, with the script that made them), against onnxruntime and the onnx package's reference.
@Suite struct ONNXStageTests {
  static func path(_ name: String) -> String { TestSupport.Fixtures.url("onnx-stages/\(name)").path }

  /// Both sides run float32 in different orders; outputs are of order 1.
  static let tolerance: Float = 2e-5

  static let names = [
    "functions", "attention-mask", "attention-past", "attention-flat", "attention-lengths", "rms-rotary",
    "loop-condition", "loop-count", "loop-nested", "loop-sequence", "scan-few", "scan-many", "if-nested", "sequences",
    "nonzero-chain", "nms-chain", "sizes", "lstm", "lstm-coupled", "lstm-batch-first", "gru", "gru-reset", "rnn",
    "passing", "mask-points",
  ]

  /// The runs of a case: inputs and expected outputs by name.
  static func runs(_ name: String) throws -> [(inputs: [String: Tensor], outputs: [String: Tensor])] {
    let stored = try Safetensors(contentsOf: path(name + ".safetensors")).tensors
    func part(_ number: Int, _ kind: String) -> [String: Tensor] {
      let prefix = "\(number)/\(kind)/"
      return Dictionary(
        uniqueKeysWithValues: stored.filter { $0.key.hasPrefix(prefix) }.map {
          (String($0.key.dropFirst(prefix.count)), $0.value)
        })
    }
    return (0..<16).map { (part($0, "in"), part($0, "out")) }.filter { !$0.0.isEmpty }
  }

  static func expect(_ results: [String: Tensor], _ expected: [String: Tensor], _ what: String) throws {
    #expect(Set(results.keys) == Set(expected.keys), "\(what)")
    for (name, wanted) in expected {
      let result = try #require(results[name], "\(what) \(name)")
      #expect(result.spec == wanted.spec, "\(what) \(name)")
      guard result.spec == wanted.spec else { continue }
      if wanted.elementType == .float32 {
        let pairs = zip(result.elements(of: Float.self), wanted.elements(of: Float.self))
        let largest = wanted.elements(of: Float.self).map(\.magnitude).max() ?? 0
        let difference = pairs.map { $0 == $1 ? 0 : abs($0 - $1) }.max() ?? 0
        #expect(difference <= tolerance * max(1, largest), "\(what) \(name)")
      } else {
        #expect(result == wanted, "\(what) \(name)")
      }
    }
  }

  /// Each run twice, so that the second meets what the first has left.
  @Test(arguments: names) func agreesWithTheReference(name: String) throws {
    let network = try ONNXNetwork(try ONNXModel(contentsOf: Self.path(name + ".onnx")))
    let runs = try Self.runs(name)
    #expect(!runs.isEmpty)
    for round in 0..<2 {
      for (number, run) in runs.enumerated() {
        try Self.expect(try network.run(run.inputs), run.outputs, "\(name) \(number) round \(round)")
      }
    }
  }

  /// Without stages: loops of known turns, recurrent layers, sequences and functions are graphs.
  @Test(arguments: [
    "attention-mask", "attention-past", "attention-flat", "attention-lengths", "rms-rotary", "loop-nested", "scan-few",
    "lstm", "lstm-coupled", "lstm-batch-first", "gru", "gru-reset", "rnn",
  ])
  func whatDependsOnShapesAloneIsAGraph(name: String) throws {
    let model = try Model(try ONNXModel(contentsOf: Self.path(name + ".onnx")))
    for run in try Self.runs(name) { try Self.expect(try model.run(run.inputs), run.outputs, name) }
  }

  /// What is no graph says which node is to blame.
  @Test(arguments: [
    ("nonzero-chain", "NonZero at nz"), ("nms-chain", "NonMaxSuppression at found"), ("if-nested", "If at y"),
    ("loop-condition", "Loop at y"), ("loop-count", "Loop at y"), ("sequences", "SequenceAt at a"),
  ])
  func whatDependsOnValuesIsNoGraph(name: String, node: String) throws {
    let file = try ONNXModel(contentsOf: Self.path(name + ".onnx"))
    let shapes = try #require(try Self.runs(name).first).inputs.mapValues(\.shape)
    #expect {
      try file.graph(inputs: shapes)
    } throws: {
      "\($0)".contains(node) && "\($0)".contains("known only when the network runs")
    }
  }

  /// A loop of many turns is evaluated, and no graph. (Within the limits of a graph it is written out.)
  @Test func manyTurnsAreNotWrittenOut() throws {
    var model = try Onnx_ModelProto(
      serializedBytes: Data(contentsOf: URL(fileURLWithPath: Self.path("loop-nested.onnx"))))
    for index in model.graph.initializer.indices where model.graph.initializer[index].name == "n" {
      model.graph.initializer[index].rawData = withUnsafeBytes(of: Int64(1 << 20).littleEndian) { Data($0) }
    }
    #expect {
      try ONNXImportTests.load(model).graph()
    } throws: {
      "\($0)".contains("Loop at y: its 1048576 turns are too many")
    }
  }

  /// Equal shapes and, where shapes depend on them, equal values compile nothing; few variants are kept.
  @Test func compiledStagesAreKept() throws {
    let network = try ONNXNetwork(try ONNXModel(contentsOf: Self.path("sizes.onnx")), keeping: 2)
    var all: [CompiledModel] = []
    func models(_ size: [Float], _ scale: Float = 1) throws -> [ObjectIdentifier] {
      var seen: [CompiledModel] = []
      let x = Tensor([1, 2, 6, 7], (0..<84).map { scale * Float($0 % 11) / 11 })
      _ = try network.run(["x": x, "size": Tensor([2], size)]) { seen.append($0) }
      all += seen
      return seen.map(ObjectIdentifier.init)
    }
    let first = try models([9, 5])
    #expect(first.count == 2)
    #expect(try models([9, 5]) == first)
    // Elements on which no shape depends do not matter.
    #expect(try models([9, 5], 0.999) == first)
    // Another size is another first stage; the second stages belong to it.
    let second = try models([4, 12])
    #expect(second[0] != first[0])
    #expect(try models([9, 5]) == first)
    _ = try models([3, 3])
    // The size that was used longest ago is compiled anew.
    #expect(try models([4, 12])[0] != second[0])
  }

  /// A predictor needs the output that is the mask and nothing else.
  @Test func aMaskBesideResultsOfUnknownSizeIsSegmented() throws {
    let file = try ONNXModel(contentsOf: Self.path("mask-points.onnx"))
    let settings = try PredictionSettings(json: Array(#"{"mean": [0], "deviation": [1]}"#.utf8))
    let segmentation = try ONNXSegmentation(file, settings: settings)
    #expect(segmentation.outputName == "mask" && segmentation.outputMeaning == .probabilities)
    let samples = (0..<32 * 24 * 3).map { UInt8($0 * 37 % 256) }
    let image = Image(width: 32, height: 24, layout: .rgb, samples: .uint8(samples))
    let labels = try segmentation.predictor()(image).labels
    let planes = Tensor(
      [1, 3, 24, 32],
      (0..<3).flatMap { channel in (0..<24 * 32).map { Float(samples[$0 * 3 + channel]) / 255 } })
    let mask = try #require(try ONNXNetwork(file).run(["image": planes])["mask"]).elements(of: Float.self)
    #expect(Set(labels.labels) == [0, 1])
    #expect(zip(labels.labels, mask).allSatisfy { abs($1 - 0.5) < 1e-5 || ($0 == 1) == ($1 > 0.5) })
    // Without the mask nothing is left to segment by, and the error names the node.
    var model = try Onnx_ModelProto(
      serializedBytes: Data(contentsOf: URL(fileURLWithPath: Self.path("mask-points.onnx"))))
    model.graph.output.removeLast()
    #expect {
      try ONNXSegmentation(try ONNXImportTests.load(model))
    } throws: {
      "\($0)".contains("NonZero at points")
    }
  }

  @Test func inputsAreChecked() throws {
    let network = try ONNXNetwork(try ONNXModel(contentsOf: Self.path("sizes.onnx")))
    let x = Tensor(zeros: [1, 2, 6, 7])
    func message(_ inputs: [String: Tensor]) -> String {
      do {
        _ = try network.run(inputs)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(message(["x": x]).contains("input size: is missing"))
    #expect(message(["x": x, "size": Tensor([3], [1, 2, 3] as [Float])]).contains("[2] in the file, not [3]"))
    #expect(message(["x": x, "size": Tensor([2], [1, 2] as [Int64])]).contains("float32 in the file, not int64"))
    #expect(message(["x": x, "size": Tensor([2], [1, 2] as [Float]), "y": x]).contains("input y: there is none"))
    // A size that makes no sense is an error of its node.
    #expect(message(["x": x, "size": Tensor([2], [-1, 2] as [Float])]).contains("Resize at r"))
  }
}

/// Functions and control flow that are malformed.
@Suite struct ONNXStructureTests {
  private func model(_ name: String) throws -> Onnx_ModelProto {
    try Onnx_ModelProto(
      serializedBytes: Data(contentsOf: URL(fileURLWithPath: ONNXStageTests.path(name + ".onnx"))))
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test func functionsOnReading() throws {
    let file = try ONNXImportTests.load(try model("functions"))
    #expect(file.unsupportedOperators.isEmpty)
    // The nodes of a function are named after the node that calls it.
    #expect(file.graph.nodes.contains { $0.name == "first::clipped" })

    var calling = try model("functions")
    let silu = try #require(calling.functions.firstIndex { $0.name == "silu" })
    calling.functions[silu].node[2].opType = "silu"
    calling.functions[silu].node[2].domain = "my.lib"
    #expect(message { _ = try ONNXImportTests.load(calling) }.contains("a function that calls itself"))

    var wide = try model("functions")
    wide.graph.node[0].input += ["x", "x"]
    #expect(message { _ = try ONNXImportTests.load(wide) }.contains("gated with 4 inputs"))

    var twice = try model("functions")
    twice.functions.append(twice.functions[0])
    #expect(message { _ = try ONNXImportTests.load(twice) }.contains("two functions are named"))

    // Functions of the same name differ by their overload.
    var overloaded = try model("functions")
    overloaded.functions.append(overloaded.functions[0])
    overloaded.functions[overloaded.functions.count - 1].overload = "other"
    #expect(message { _ = try ONNXImportTests.load(overloaded) } == "")
  }

  @Test func aNewerOperatorSetIsRead() throws {
    var newer = try model("passing")
    newer.opsetImport[0].version = 99
    let file = try ONNXImportTests.load(newer)
    #expect(file.opset == 99)
    let run = try #require(try ONNXStageTests.runs("passing").first)
    try ONNXStageTests.expect(try ONNXNetwork(file).run(run.inputs), run.outputs, "operator set 99")
  }

  @Test func controlFlowThatDoesNotFit() throws {
    func run(_ name: String, _ change: (inout Onnx_ModelProto) -> Void) throws -> String {
      var model = try model(name)
      change(&model)
      let inputs = try #require(try ONNXStageTests.runs(name).first).inputs
      return message { _ = try ONNXNetwork(try ONNXImportTests.load(model)).run(inputs) }
    }
    #expect(try run("loop-count") { $0.graph.node[0].attribute.removeAll() }.contains("Loop at y: it has no body"))
    #expect(try run("loop-count") { $0.graph.node[0].input.append("x") }.contains("Loop at y: its body has"))
    #expect(
      try run("loop-count") { $0.graph.node[0].attribute[0].g.output[1].name = "nowhere" }.contains("nowhere"))
    #expect(
      try run("scan-few") { model in
        let place = model.graph.node[0].attribute.firstIndex { $0.name == "num_scan_inputs" }!
        model.graph.node[0].attribute[place].i = 7
      }.contains("Scan at s: it scans 7 of 3 inputs"))
    #expect(
      try run("sequences") { model in
        for index in model.graph.node.indices where model.graph.node[index].output == ["b"] {
          model.graph.node[index].input[0] = "x"
        }
      }.contains("SequenceAt at b: its input 0 is no sequence"))
  }

  /// A constant of a type that is not read is named where it is used, in a loop's body, too.
  @Test(arguments: ["sizes", "loop-condition"]) func aConstantThatIsNotRead(name: String) throws {
    var model = try model(name)
    func spoil(_ graph: inout Onnx_GraphProto) {
      for index in graph.initializer.indices where graph.initializer[index].name == "k" {
        graph.initializer[index].dataType = 8
      }
      for node in graph.node.indices {
        for index in graph.node[node].attribute.indices where graph.node[node].attribute[index].hasG {
          spoil(&graph.node[node].attribute[index].g)
        }
      }
    }
    spoil(&model.graph)
    let inputs = try #require(try ONNXStageTests.runs(name).first).inputs
    #expect(
      message { _ = try ONNXNetwork(try ONNXImportTests.load(model)).run(inputs) }
        .contains("k has the element type string"))
  }

  /// A place beyond a sequence is an error of its node, whichever run gives it.
  @Test func placesBeyondASequence() throws {
    let network = try ONNXNetwork(try ONNXModel(contentsOf: ONNXStageTests.path("sequences.onnx")))
    var inputs = try #require(try ONNXStageTests.runs("sequences").first).inputs
    inputs["place"] = Tensor([], [3] as [Int64])
    #expect(message { _ = try network.run(inputs) }.contains("SequenceAt at a: there is no place 3 in a sequence of 3"))
  }

  /// Damaged files: one clear error each, or a result, and never a trap.
  @Test(arguments: [
    "functions", "attention-mask", "attention-past", "attention-lengths", "rms-rotary", "scan-few", "if-nested",
    "sequences", "nonzero-chain", "nms-chain", "sizes", "lstm", "gru",
  ])
  func mutationsNeverTrap(name: String) throws {
    struct TooLarge: Error {}
    let original = Array(try Data(contentsOf: URL(fileURLWithPath: ONNXStageTests.path(name + ".onnx"))))
    let inputs = try #require(try ONNXStageTests.runs(name).first).inputs
    let count = Int(ProcessInfo.processInfo.environment["SEG_ONNX_MUTATIONS"] ?? "") ?? 100
    var generator = SeededGenerator(seed: 23)
    for _ in 0..<count {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      do {
        let network = try ONNXNetwork(
          try ONNXModel(FileBytes(bytes), named: "model.onnx"),
          on: OpenBLASBackend(workers: WorkerPool(threads: 1)))
        _ = try ONNXEvaluator.$limits.withValue(.init(elements: 1 << 20, operations: 1 << 24)) {
          try network.run(inputs) { if $0.arenaByteCount > 1 << 26 { throw TooLarge() } }
        }
      } catch {
        #expect(!"\(error)".contains("\n"))
      }
    }
  }
}
