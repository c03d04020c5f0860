import Foundation
import SegEngine
import TestSupport
import Testing

@testable import SegFiles
@testable import SegONNX
@testable import SegWeights

/// Small networks (Tests/Fixtures/onnx, with the script that made them) against onnxruntime, at two sizes of the same file.
@Suite struct ONNXImportTests {
  static func path(_ name: String) -> String { TestSupport.Fixtures.url("onnx/\(name)").path }

  /// Both sides run float32 in different orders; outputs are of order 1.
  static let tolerance: Float = 2e-5

  @Test(arguments: ["decoder", "tokens", "channels_last"], [false, true])
  func agreesWithONNXRuntime(name: String, channelsLast: Bool) throws {
    let file = try ONNXModel(contentsOf: Self.path(name + ".onnx"))
    let expected = try Safetensors(contentsOf: Self.path(name + ".safetensors")).tensors
    let output = file.outputs[0]
    let model = try Model(file, channelsLast: channelsLast)
    for size in ["32x48", "40x24"] {
      var image = try #require(expected["\(size)/image"])
      // With channelsLast whatever the file has as [N, C, H, W] is [N, H, W, C] here, and nothing else changes.
      if channelsLast { image = image.transposed([0, 2, 3, 1]) }
      var result = try #require(try model.run(["image": image])[output])
      if channelsLast, result.shape.rank == 4 { result = result.transposed([0, 3, 1, 2]) }
      let wanted = try #require(expected["\(size)/\(output)"])
      #expect(result.shape == wanted.shape)
      let difference = zip(result.elements(of: Float.self), wanted.elements(of: Float.self)).map { abs($0 - $1) }.max()
      #expect(try #require(difference) <= Self.tolerance, "\(name) at \(size)")
    }
  }

  @Test func aConvolutionalNetworkMovesAxesOnlyAtItsEnds() throws {
    let shape: [String: Shape] = ["image": [1, 3, 32, 48]]
    func transposes(_ graph: Graph) throws -> Int {
      try GraphSummary(graph).layers.filter { $0.operation == "Transpose" }.count
    }
    let file = try ONNXModel(contentsOf: Self.path("decoder.onnx"))
    #expect(try transposes(file.graph(inputs: shape)) == 2)
    #expect(try transposes(file.graph(inputs: shape, channelsLast: true)) == 0)
    // Made for [N, H, W, C]: its own transposes cancel.
    let other = try ONNXModel(contentsOf: Self.path("channels_last.onnx"))
    #expect(try transposes(other.graph(inputs: ["image": [1, 32, 48, 3]])) == 0)
  }

  @Test func openShapesMustBeGiven() throws {
    #expect {
      try Graph(onnx: Self.path("decoder.onnx"))
    } throws: { error in
      let text = "\(error)"
      return text.contains("image") && text.contains("axis 2") && !text.contains("\n")
    }
    #expect {
      try Graph(onnx: Self.path("decoder.onnx"), inputs: ["image": [1, 4, 32, 32]])
    } throws: {
      "\($0)".contains("[batch, 3, height, width]") && "\($0)".contains("[1, 4, 32, 32]")
    }
    #expect {
      try Graph(onnx: Self.path("decoder.onnx"), inputs: ["picture": [1, 3, 32, 32]])
    } throws: {
      "\($0)".contains("picture") && "\($0)".contains("image")
    }
  }

  @Test func everyUnsupportedOperatorIsListedAtOnce() throws {
    var model = try Onnx_ModelProto(serializedBytes: Data(contentsOf: URL(fileURLWithPath: Self.path("decoder.onnx"))))
    model.graph.node[0].opType = "Imaginary"
    model.graph.node[2].opType = "Alike"
    model.graph.node[2].domain = "com.example"
    let file = try Self.load(model)
    #expect(file.unsupportedOperators.map(\.operator) == ["Imaginary", "com.example.Alike"])
    #expect {
      try file.graph(inputs: ["image": [1, 3, 32, 32]])
    } throws: {
      let text = "\($0)"
      return text.contains("Imaginary (opset 13)") && text.contains("com.example.Alike")
    }
  }

  static func load(_ model: Onnx_ModelProto) throws -> ONNXModel {
    let bytes: Data = try model.serializedBytes()
    return try ONNXModel(FileBytes(Array(bytes)), named: "model.onnx")
  }
}

/// Files that are damaged or made to do harm: one clear error each, and never a trap.
@Suite struct ONNXRobustnessTests {
  /// Imports a file as far as it goes; what it throws is of no account here.
  private func tryToRun(_ bytes: [UInt8], _ shape: Shape) {
    do {
      let file = try ONNXModel(FileBytes(bytes), named: "model.onnx")
      let graph = try file.graph(inputs: ["image": shape])
      let specs = try graph.specs(forInputs: [:])
      // What is left small is also run.
      guard specs.allSatisfy({ $0.byteCount < 1 << 22 }) else { return }
      let model = try graph.compiled(on: OpenBLASBackend(workers: WorkerPool(threads: 1)))
      guard model.arenaByteCount < 1 << 26 else { return }
      _ = try model.run(["image": Tensor(zeros: shape)])
    } catch {
      #expect(!"\(error)".contains("\n"))
    }
  }

  private static let files: [(name: String, shape: Shape)] = [
    ("decoder", [1, 3, 32, 48]), ("tokens", [1, 3, 32, 48]), ("channels_last", [1, 32, 48, 3]),
  ]

  @Test(arguments: files) func mutationsNeverTrap(name: String, shape: Shape) throws {
    let original = Array(try Data(contentsOf: URL(fileURLWithPath: ONNXImportTests.path(name + ".onnx"))))
    let count = Int(ProcessInfo.processInfo.environment["SEG_ONNX_MUTATIONS"] ?? "") ?? 400
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<count {
      var bytes = original
      if Bool.random(using: &generator) {
        bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator))
      } else {
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
          let place = Int.random(in: 0..<bytes.count, using: &generator)
          bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        }
      }
      tryToRun(bytes, shape)
    }
  }

  private func failure(_ change: (inout Onnx_ModelProto) -> Void) throws -> String {
    var model = try Onnx_ModelProto(
      serializedBytes: Data(contentsOf: URL(fileURLWithPath: ONNXImportTests.path("decoder.onnx"))))
    change(&model)
    do {
      _ = try ONNXImportTests.load(model).graph(inputs: ["image": [1, 3, 32, 48]])
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test func aCycleIsAnError() throws {
    #expect(
      try failure { model in
        let last = model.graph.node[5].output[0]
        model.graph.node[1].input[0] = last
      }.contains("depends on itself"))
  }

  @Test func aMissingInputIsAnError() throws {
    #expect(try failure { $0.graph.node[3].input[0] = "nowhere" }.contains("nowhere is defined nowhere"))
  }

  @Test func aNameUsedTwiceIsAnError() throws {
    #expect(
      try failure { model in
        let name = model.graph.node[0].output[0]
        model.graph.node[1].output[0] = name
      }.contains("two values are named"))
  }

  @Test func negativeAndEnormousExtentsAreErrors() throws {
    #expect(try failure { $0.graph.initializer[0].dims[0] = -4 }.contains("claims the shape"))
    #expect(try failure { $0.graph.initializer[0].dims = [1 << 40] }.contains("bytes, not"))
    #expect(
      try failure { model in
        model.graph.initializer[0].dims = [1 << 40]
        model.graph.initializer[0].clearRawData()
      }.contains("values, not"))
  }

  @Test func externalDataStaysInTheDirectory() throws {
    for location in ["../weights.bin", "/etc/hostname", "a/../../weights.bin", "a\\..\\b"] {
      let text = try failure { model in
        model.graph.initializer[0].clearRawData()
        model.graph.initializer[0].dataLocation = 1
        var entry = Onnx_StringStringEntryProto()
        entry.key = "location"
        entry.value = location
        model.graph.initializer[0].externalData = [entry]
      }
      #expect(text.contains("outside the model's directory"), "\(location): \(text)")
    }
  }

  @Test func externalDataIsRead() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-\(UInt64.random(in: 0...(.max)))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var model = try Onnx_ModelProto(
      serializedBytes: Data(contentsOf: URL(fileURLWithPath: ONNXImportTests.path("decoder.onnx"))))
    // The first weights move into a file of their own, behind 16 bytes of something else.
    let weights = model.graph.initializer[0].rawData
    try (Data(count: 16) + weights).write(to: folder.appendingPathComponent("weights.bin"))
    model.graph.initializer[0].clearRawData()
    model.graph.initializer[0].dataLocation = 1
    model.graph.initializer[0].externalData = [("location", "weights.bin"), ("offset", "16")].map { key, value in
      var entry = Onnx_StringStringEntryProto()
      entry.key = key
      entry.value = value
      return entry
    }
    let path = folder.appendingPathComponent("net.onnx")
    let bytes: Data = try model.serializedBytes()
    try bytes.write(to: path)
    let image = Tensor([1, 3, 32, 48], (0..<3 * 32 * 48).map { Float($0 % 17) / 17 })
    let shapes: [String: Shape] = ["image": image.shape]
    let apart = try ONNXModel(contentsOf: path.path).graph(inputs: shapes).compiled().run(["image": image])
    let whole = try Graph(onnx: ONNXImportTests.path("decoder.onnx"), inputs: shapes).compiled().run(["image": image])
    #expect(apart == whole)
  }
}
