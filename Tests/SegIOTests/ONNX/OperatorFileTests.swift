import Foundation
import SegEngine
import TestSupport
import Testing

@testable import SegFiles
@testable import SegONNX
@testable import SegWeights

/// Files of single operators or a few (Tests/Fixtures/onnx-operators, with the script that made them) against onnxruntime: quantised and
/// contributed operators, narrow weights, deformable convolution, nearest pixels.
@Suite struct ONNXOperatorFileTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    /// The largest difference of an output from the expected one.
    let tolerance: Double
    var testDescription: String { name }
  }

  static let cases: [Case] = {
    do {
      return try JSONDecoder().decode(
        [Case].self, from: Data(contentsOf: TestSupport.Fixtures.url("onnx-operators/index.json")))
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  static func path(_ name: String) -> String { TestSupport.Fixtures.url("onnx-operators/\(name)").path }

  /// Runs a case's file on its inputs and returns what is wrong with its outputs.
  private func problems(
    _ test: Case, on backend: any Backend, optimizes: Bool
  ) throws -> [String] {
    let file = try ONNXModel(contentsOf: Self.path(test.name + ".onnx"))
    let tensors = try Safetensors(contentsOf: Self.path(test.name + ".safetensors")).tensors
    var inputs: [String: Tensor] = [:]
    for (name, tensor) in tensors where name.hasPrefix("in/") { inputs[String(name.dropFirst(3))] = tensor }
    let graph = try file.graph(inputs: inputs.mapValues(\.shape))
    let model = try graph.compiled(on: backend, options: .init(optimizes: optimizes))
    let outputs = try model.run(inputs)
    return try file.outputs.compactMap { name in
      let (result, expected) = (try #require(outputs[name]), try #require(tensors["out/" + name]))
      guard result.elementType == expected.elementType else {
        return "\(name) is \(result.spec), not \(expected.spec)"
      }
      return mismatch(result, NaiveTensor(expected), Tolerance(absolute: test.tolerance, relative: test.tolerance))
        .map { "\(name): \($0)" }
    }
  }

  @Test(arguments: cases) func agreesWithONNXRuntime(test: Case) throws {
    for optimizes in [true, false] {
      #expect(try problems(test, on: OpenBLASBackend(workers: WorkerPool(threads: 2)), optimizes: optimizes) == [])
    }
    #expect(try problems(test, on: ReferenceBackend(workers: WorkerPool(threads: 1)), optimizes: true) == [])
  }

  /// A quantised network is computed by the engine: nothing is left to the evaluator, and pairs of QuantizeLinear and DequantizeLinear are
  /// one operator.
  @Test(arguments: [
    "dynamic-network", "qlinear-conv", "qlinear-matmul", "qlinear-matmul-computed", "moved-integers", "ms-qadd",
    "ms-qpool", "ms-qconcat", "quantize-axis", "quantize-int8",
  ])
  func nothingIsLeftToTheEvaluator(name: String) throws {
    let file = try ONNXModel(contentsOf: Self.path(name + ".onnx"))
    let tensors = try Safetensors(contentsOf: Self.path(name + ".safetensors")).tensors
    var shapes: [String: Shape] = [:]
    for (name, tensor) in tensors where name.hasPrefix("in/") { shapes[String(name.dropFirst(3))] = tensor.shape }
    let operations = Set(try GraphSummary(file.graph(inputs: shapes)).layers.map(\.operation))
    #expect(!operations.contains { $0.hasPrefix("Host") }, "\(operations)")
  }

  @Test func aPairOfQuantisationAndItsInverseIsOneOperator() throws {
    let file = try ONNXModel(contentsOf: Self.path("quantize-int8.onnx"))
    // Only the real output is asked for: the integers are not computed.
    let name = file.outputs[1]
    let graph = try file.graph(inputs: ["x": [3, 40]])
    let value = try #require(graph.outputs.first { $0.name == name }).value
    let producer = try #require(graph.nodes.first { $0.outputs.contains(value) })
    #expect(producer.operator is Elementwise)
    #expect(graph.inputs.map(\.value) == producer.inputs)
  }

  /// Damaged files of these operators end with an error or a result, and never trap.
  @Test(arguments: cases) func mutationsNeverTrap(test: Case) throws {
    let original = Array(try Data(contentsOf: TestSupport.Fixtures.url("onnx-operators/\(test.name).onnx")))
    let count = Int(ProcessInfo.processInfo.environment["SEG_ONNX_MUTATIONS"] ?? "") ?? 25
    var generator = SeededGenerator(seed: 17)
    for _ in 0..<count {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      do {
        let graph = try ONNXModel(FileBytes(bytes), named: "model.onnx").graph()
        guard try graph.specs(forInputs: [:]).allSatisfy({ $0.byteCount < 1 << 20 }) else { continue }
        let model = try graph.compiled(on: OpenBLASBackend(workers: WorkerPool(threads: 1)))
        guard model.arenaByteCount < 1 << 24 else { continue }
        var inputs: [String: Tensor] = [:]
        for input in graph.inputs {
          let spec = graph[input.value].spec
          inputs[input.name] = Tensor(zeros: spec.shape, of: spec.elementType)
        }
        _ = try model.run(inputs)
      } catch {
        #expect(!"\(error)".contains("\n"))
      }
    }
  }
}
