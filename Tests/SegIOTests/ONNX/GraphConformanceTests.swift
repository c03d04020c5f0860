import Foundation
import SegEngine
import Testing

@testable import SegONNX

/// The conformance cases of the onnx package through the whole import: file to graph, compiled, run by the engine; and as
/// networks that run in stages, to which every operand is given when they run.
///
/// They run where the environment variable `SEG_CONFORMANCE` names the folder that `Tests/Conformance/generate.py` wrote.
@Suite("Conformance of the import", .enabled(if: ProcessInfo.processInfo.environment["SEG_CONFORMANCE"] != nil))
struct GraphConformanceTests {
  @Test("no case fails, and every light network passes")
  func conformance() throws {
    let environment = ProcessInfo.processInfo.environment
    let folder = try #require(environment["SEG_CONFORMANCE"])
    let wanted = environment["SEG_CONFORMANCE_CASE"] ?? ""
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/index.json"))
    var passed: [String: Int] = [:]
    var unsupported: [String: [String: Int]] = [:]
    var failures: [(group: String, text: String)] = []
    for entry in try JSONDecoder().decode(ConformanceTests.Index.self, from: data).cases
    where wanted.isEmpty || entry.name.contains(wanted) {
      do {
        let path = "\(folder)/\(entry.name)"
        let model = try ONNXModel(contentsOf: path + "/model.onnx")
        for set in 0..<entry.sets {
          let given = try operands(model, path + "/data_set_\(set)")
          try run(model, given, path + "/data_set_\(set)", entry)
          let results = try ONNXNetwork(model).run(given.mapValues(\.tensor))
          try compare(results, model, path + "/data_set_\(set)", entry)
        }
        passed[entry.group, default: 0] += 1
      } catch let error as ONNXError {
        if case .unsupportedOperators(let operators) = error.cause {
          for kind in Set(operators.map(\.operator)) { unsupported[entry.group, default: [:]][kind, default: 0] += 1 }
        } else {
          failures.append((entry.group, "\(entry.name): \(error)"))
        }
      } catch let error as ONNXFailure {
        failures.append((entry.group, "\(entry.name): \(error.reason)"))
      } catch {
        failures.append((entry.group, "\(entry.name): \(error)"))
      }
    }
    for group in Set(passed.keys).union(unsupported.keys).union(failures.map(\.group)).sorted() {
      let missing = unsupported[group] ?? [:]
      print(
        "\(group): passed \(passed[group] ?? 0), failed \(failures.filter { $0.group == group }.count), not supported "
          + "\(missing.values.reduce(0, +))"
          + (missing.isEmpty
            ? ""
            : " (" + missing.sorted { $0.key < $1.key }.map { "\($0.key) × \($0.value)" }.joined(separator: ", ") + ")")
      )
    }
    for failure in failures { print("  FAILED \(failure.text)") }
    #expect(failures.isEmpty)
  }

  /// The values of the graph's inputs.
  private func operands(_ model: ONNXModel, _ folder: String) throws -> [String: ONNXConstant] {
    var given: [String: ONNXConstant] = [:]
    for (index, port) in model.dataInputs.enumerated() {
      let path = "\(folder)/input_\(index).npy"
      guard FileManager.default.fileExists(atPath: path) else { continue }
      guard let type = port.type else { throw ONNXFailure("an input has no type") }
      given[port.name] = try ConformanceTests.constant(path, type)
    }
    return given
  }

  /// Runs a case as a graph with as many operands as possible given when the network runs: all; then those of floating
  /// point, because whole numbers may decide on shapes; then none. What is no graph whatever is given is left to the
  /// network.
  private func run(
    _ model: ONNXModel, _ given: [String: ONNXConstant], _ folder: String, _ entry: ConformanceTests.Case
  ) throws {
    for known in [[:], given.filter { !$0.value.type.isFloat }, given] {
      do {
        let flowing = given.filter { known[$0.key] == nil }
        let graph = try model.graph(inputs: flowing.mapValues(\.shape), values: known, channelsLast: false)
        return try compare(try graph.compiled().run(flowing.mapValues(\.tensor)), model, folder, entry)
      } catch let error as ONNXError {
        // Only where a value has to be known is the next way worth trying.
        guard case .node(_, _, let text) = error.cause, text.contains("known only when the network runs") else {
          throw error
        }
      }
    }
  }

  private func compare(
    _ results: [String: Tensor], _ model: ONNXModel, _ folder: String, _ entry: ConformanceTests.Case
  ) throws {
    for (index, port) in model.graph.outputs.enumerated() {
      guard let type = port.type, let result = results[port.name] else {
        throw ONNXFailure("output \(index) is missing")
      }
      let expected = try ConformanceTests.constant("\(folder)/output_\(index).npy", type)
      guard result.elementType == type.elementType else {
        throw ONNXFailure("output \(index) is of \(result.elementType), not \(type)")
      }
      guard result.shape == expected.shape else {
        throw ONNXFailure("output \(index) has the shape \(result.shape), not \(expected.shape)")
      }
      try ConformanceTests.compare(ONNXConstant(type, result), expected, index, entry)
    }
  }
}
