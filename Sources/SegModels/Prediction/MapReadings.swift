import SegEngine
import Synchronization

extension MapReading: GraphExtension {
  func extend(_ graph: GraphBuilder, outputs: [Value]) throws {
    graph.output("values", try read(outputs[0]))
  }
}

/// Graphs that read maps by themselves, behind networks whose size the image's does not follow: the last few are kept compiled.
final class MapReadings: Sendable {
  private struct Key: Hashable {
    let reading: MapReading
    let output: TensorSpec
  }

  private let capacity = 4
  private let compiled = Mutex<[(key: Key, model: CompiledModel)]>([])

  /// The values that a reading gives for a network's output.
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
