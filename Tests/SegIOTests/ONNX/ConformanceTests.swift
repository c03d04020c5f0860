import Foundation
import SegEngine
import Testing

@testable import SegONNX
@testable import SegWeights

/// The conformance cases of the onnx package, as `Tests/Conformance/generate.py` writes them, held against the evaluator alone.
///
/// They run where the environment variable `SEG_CONFORMANCE` names the folder; `SEG_CONFORMANCE_CASE` picks those whose name
/// contains it. With `SEG_CONFORMANCE_MUTATIONS` each case of one node runs as often with changed attributes and operands, too.
@Suite("Conformance of the evaluator", .enabled(if: ProcessInfo.processInfo.environment["SEG_CONFORMANCE"] != nil))
struct ConformanceTests {
  struct Case: Decodable {
    let name: String
    let group: String
    let rtol: Float
    let atol: Float
    let sets: Int
  }

  struct Index: Decodable { let cases: [Case] }

  @Test("every case passes whose operators can be computed")
  func conformance() throws {
    let environment = ProcessInfo.processInfo.environment
    let folder = try #require(environment["SEG_CONFORMANCE"])
    let wanted = environment["SEG_CONFORMANCE_CASE"] ?? ""
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/index.json"))
    let mutations = Int(environment["SEG_CONFORMANCE_MUTATIONS"] ?? "") ?? 0
    var passed = 0
    var unsupported: [String: Int] = [:]
    var failures: [String] = []
    for entry in try JSONDecoder().decode(Index.self, from: data).cases
    where entry.group != "light" && (wanted.isEmpty || entry.name.contains(wanted)) {
      do {
        let path = "\(folder)/\(entry.name)"
        let model = try ONNXModel(contentsOf: path + "/model.onnx")
        let missing = Set(model.graph.nodes.map(\.kind)).filter {
          ONNXEvaluator.functions[$0] == nil && !ONNXEvaluator.isEngines($0)
        }
        guard missing.isEmpty else {
          for kind in missing { unsupported[kind, default: 0] += 1 }
          continue
        }
        for set in 0..<entry.sets { try run(model, path + "/data_set_\(set)", entry) }
        if mutations > 0 { try mutate(model, path + "/data_set_0", mutations) }
        passed += 1
      } catch let error as ONNXFailure {
        failures.append("\(entry.name): \(error.reason)")
      } catch {
        failures.append("\(entry.name): \(error)")
      }
    }
    print("passed \(passed), failed \(failures.count), not supported \(unsupported.values.reduce(0, +)):")
    for (kind, count) in unsupported.sorted(by: { $0.key < $1.key }) { print("  not supported: \(kind) × \(count)") }
    for failure in failures { print("  FAILED \(failure)") }
    #expect(failures.isEmpty)
  }

  /// The values of the graph's initialisers and inputs.
  private func operands(_ model: ONNXModel, _ folder: String) throws -> [String: ONNXConstant] {
    var values = model.graph.initializers
    for (index, port) in model.graph.inputs.enumerated() {
      let path = "\(folder)/input_\(index).npy"
      guard FileManager.default.fileExists(atPath: path) else { continue }
      guard let type = port.type else { throw ONNXFailure("an input has no type") }
      values[port.name] = try ConformanceTests.constant(path, type)
    }
    return values
  }

  /// Runs the nodes in the order of the file and compares what the graph returns.
  private func run(_ model: ONNXModel, _ folder: String, _ entry: Case) throws {
    var values = try operands(model, folder)
    for node in model.graph.nodes {
      let operands = node.inputs.map { values[$0] }
      let results = try ONNXEvaluator.evaluate(node, operands)
      // What is told without running the node is what running it gives.
      let described = operands.map { $0.map { HostShapes.Operand(type: $0.type, shape: $0.shape, known: $0) } }
      for (told, result) in zip(try HostShapes(node, described).results() ?? [], results)
      where told.type != result.type || told.shape != result.shape {
        throw ONNXFailure("\(node.kind) gives \(result.type) \(result.shape), not \(told.type) \(told.shape)")
      }
      for (name, result) in zip(node.outputs, results) where !name.isEmpty { values[name] = result }
      guard results.count >= (node.outputs.lastIndex { !$0.isEmpty } ?? -1) + 1 else {
        throw ONNXFailure("\(node.kind) gives \(results.count) of \(node.outputs.count) results")
      }
    }
    for (index, port) in model.graph.outputs.enumerated() {
      guard let type = port.type, let result = values[port.name] else {
        throw ONNXFailure("output \(index) is missing")
      }
      let expected = try ConformanceTests.constant("\(folder)/output_\(index).npy", type)
      guard result.type == type else { throw ONNXFailure("output \(index) is of \(result.type), not \(type)") }
      guard result.shape == expected.shape else {
        throw ONNXFailure("output \(index) has the shape \(result.shape), not \(expected.shape)")
      }
      try ConformanceTests.compare(result, expected, index, entry)
    }
  }

  /// Runs a node by itself with its attributes and operands changed: it may refuse, and nothing else.
  private func mutate(_ model: ONNXModel, _ folder: String, _ count: Int) throws {
    guard let node = model.graph.nodes.first, model.graph.nodes.count == 1 else { return }
    let values = try operands(model, folder)
    for seed in 0..<count {
      var mutation = EvaluatorMutation(seed: UInt64(seed))
      let (attributes, inputs) = mutation.mutate(node.attributes.values, node.inputs.map { values[$0] })
      let changed = ONNXNode(
        name: node.name, kind: node.kind, domain: node.domain, opset: node.opset, inputs: node.inputs,
        outputs: node.outputs,
        attributes: ONNXAttributes(attributes))
      ONNXEvaluator.$limits.withValue(.init(elements: 1 << 16, operations: 1 << 22)) {
        _ = try? ONNXEvaluator.evaluate(changed, inputs)
      }
    }
  }

  static func compare(_ result: ONNXConstant, _ expected: ONNXConstant, _ index: Int, _ entry: Case) throws {
    if result.type.isFloat {
      for (element, (a, b)) in zip(result.floats, expected.floats).enumerated() {
        // The narrow types are computed and kept as float32 here; what is expected was rounded at each step, so the two
        // may be two units in the last place apart.
        let step: Float = result.type == .float16 ? 2e-3 : result.type == .bfloat16 ? 1.6e-2 : 0
        guard a == b || (a.isNaN && b.isNaN) || abs(a - b) <= entry.atol + max(entry.rtol, step) * abs(b) else {
          throw ONNXFailure("output \(index) has \(a) at \(element), not \(b)")
        }
      }
    } else {
      for (element, (a, b)) in zip(result.integers, expected.integers).enumerated() where a != b {
        throw ONNXFailure("output \(index) has \(a) at \(element), not \(b)")
      }
    }
  }

  static func constant(_ path: String, _ type: ONNXElement) throws -> ONNXConstant {
    let tensor = try Tensor(npyFile: path)
    let elements = tensor.elementType
    guard elements == type.elementType else { throw ONNXFailure("\(path) holds \(elements)") }
    return ONNXConstant(type, tensor)
  }
}
