import SegEngine

/// The shapes of a graph's values, and which extents depend on the size of the batch, which a file may leave open.
struct ONNXExportShapes {
  private let graph: Graph
  private let specs: [TensorSpec]
  /// The shapes for a larger batch; the same as `specs` where the batch is fixed.
  private let others: [TensorSpec]

  /// Infers shapes. The batch is axis 0 of all inputs.
  ///
  /// - Parameter opensBatch: Whether the size of the batch is left open. It is fixed if the inputs' first extents differ, or if the graph takes
  ///   no other size.
  init(_ graph: Graph, opensBatch: Bool) throws(GraphError) {
    self.graph = graph
    specs = try graph.specs(forInputs: [:])
    var others: [TensorSpec]?
    let shapes = graph.inputs.map { (name: $0.name, shape: graph[$0.value].spec.shape) }
    if opensBatch, let batch = shapes.first?.shape.dimensions.first,
      shapes.allSatisfy({ $0.shape.dimensions.first == batch })
    {
      let larger = shapes.map { ($0.name, $0.shape.replacing(axis: 0, with: 2 * batch + 1)) }
      others = try? graph.specs(forInputs: Dictionary(uniqueKeysWithValues: larger))
    }
    self.others = others ?? specs
  }

  subscript(value: Graph.ValueID) -> TensorSpec { graph.spec(of: value, among: specs) }

  /// Returns the axes of a value whose extents depend on the size of the batch.
  func openAxes(of value: Graph.ValueID) -> [Int] {
    let (a, b) = (self[value].shape, graph.spec(of: value, among: others).shape)
    return (0..<a.rank).filter { a[$0] != b[$0] }
  }
}
