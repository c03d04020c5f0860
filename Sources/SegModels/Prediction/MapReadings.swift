import SegEngine
import Synchronization

extension MapReading: GraphExtension {
  func extend(_ graph: GraphBuilder, outputs: [Value]) throws {
    graph.output("values", try read(outputs[0]))
  }
}

/// A cache of compiled graphs that read output maps (``MapReading``). It is used if the result has another size than
/// the network's input, and keeps the most recent graphs.
final class MapReadings: Sendable {
  private struct Key: Hashable {
    let reading: MapReading
    let output: TensorSpec
  }

  private let capacity = 4
  private let compiled = Mutex<[(key: Key, model: CompiledModel)]>([])

  /// Computes a reading of a network's output.
  ///
  /// - Throws: ``PredictionError``.
  func run(
    _ reading: MapReading, of output: Tensor, on backend: any Backend,
    makingOutput makeOutput: (TensorSpec) -> Tensor = { Tensor(uninitialized: $0.shape, of: $0.elementType) }
  ) throws -> Tensor {
    let key = Key(reading: reading, output: output.spec)
    let found = compiled.withLock { compiled -> CompiledModel? in
      guard let index = compiled.firstIndex(where: { $0.key == key }) else { return nil }
      let entry = compiled.remove(at: index)
      compiled.append(entry)
      return entry.model
    }
    let model =
      try found
      ?? Graph("reading") { g in
        try reading.extend(g, outputs: [g.input("output", output.shape, of: output.elementType)])
      }.compiled(on: backend)
    if found == nil {
      compiled.withLock { compiled in
        compiled.append((key, model))
        if compiled.count > capacity { compiled.removeFirst() }
      }
    }
    return try model.run(["output": output], makingOutputs: makeOutput)["values"]!
  }
}
