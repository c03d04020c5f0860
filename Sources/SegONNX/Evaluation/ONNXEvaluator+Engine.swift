import SegEngine

/// Nodes that the engine has operators for, computed at once by the rules of the import.
extension ONNXEvaluator {
  /// On one thread: a node may be computed while the threads run a network.
  private static let backend = ReferenceBackend(workers: WorkerPool(threads: 1))

  /// Operators that only rename axes or repeat their operand.
  private static let forwarding: Set<String> = ["Identity", "Dropout", "Cast"]

  /// The rules whose operators compute; those that move elements take operands without elements too, which the engine does not.
  private static let computing: [String: ONNXImporter.Rule] = [
    ONNXImporter.elementwiseRules, ONNXImporter.arithmeticRules, ONNXImporter.windowRules,
    ONNXImporter.normalizationRules, ONNXImporter.productRules, ONNXImporter.reductionRules, ONNXImporter.resizeRules,
  ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
    .filter { !forwarding.contains($0.key) }

  /// Whether the engine may have operators for nodes of a kind.
  static func isEngines(_ kind: String) -> Bool { computing[kind] != nil }

  /// The results of a node by the engine's operators, run over the reference backend; `nil` where no rule takes the node with these
  /// types, shapes and attributes.
  ///
  /// Operand 0 is the input of a graph of one node, the others are its constants.
  static func engineResults(
    of node: ONNXNode, _ inputs: [ONNXConstant?]
  ) throws(ONNXFailure) -> [ONNXConstant]? {
    guard let rule = computing[node.kind], let first = inputs.first, let x = first, x.type.isFloat else { return nil }
    let isEmpty = inputs.contains { $0?.shape.elementCount == 0 }
    if isEmpty, !inputs.allSatisfy({ $0?.shape.dimensions.allSatisfy { $0 <= 1 << 20 } ?? true }) { return nil }
    let wanted = (node.outputs.lastIndex { !$0.isEmpty } ?? -1) + 1
    var types: [ONNXElement] = []
    do {
      let graph = try Graph(node.kind) { builder in
        let importer = ONNXImporter(builder)
        var operands = inputs.map { $0.map(ONNXValue.init) }
        operands[0] = ONNXValue(x.type, builder.input("x", x.shape, of: x.tensor.elementType))
        guard let results = try rule(ONNXStep(importer: importer, node: node, inputs: operands)),
          results.count >= wanted, builder.failure == nil
        else { return }
        for (index, result) in results.enumerated() {
          builder.output("\(index)", importer.arranged(result))
          types.append(result.type)
        }
      }
      if graph.nodes.isEmpty { return [x] }
      let specs = graph.outputs.map { graph[$0.value].spec }
      if isEmpty {
        // What has no elements is not computed; what is made of nothing is left to the functions.
        guard specs.allSatisfy({ $0.shape.elementCount == 0 }) else { return nil }
        return zip(types, specs).map { ONNXConstant($0, Tensor(zeros: $1.shape, of: $1.elementType)) }
      }
      try requireWithinLimits(graph)
      let model = try graph.compiled(on: backend, options: CompileOptions(optimizes: false))
      let outputs = try model.run(["x": x.tensor])
      return types.indices.map { ONNXConstant(types[$0], outputs["\($0)"]!) }
    } catch let failure as ONNXFailure {
      throw failure
    } catch let error as GraphError {
      // Without a result the rule has not taken the node, unless one of its operators does not fit.
      if case .noOutputs = error { return nil }
      if case .shape(_, let error, _, _) = error { throw ONNXFailure(error.reason) }
      throw ONNXFailure("\(error)")
    } catch {
      throw ONNXFailure("\(error)")
    }
  }

  /// Refuses results and work beyond ``limits``, before memory is taken.
  private static func requireWithinLimits(_ graph: Graph) throws {
    for node in graph.nodes {
      for output in node.outputs where graph[output].spec.shape.elementCount > limits.elements {
        throw ONNXFailure("a result of \(graph[output].spec.shape.dimensions) elements is not possible")
      }
    }
    let total = try GraphSummary(graph).total
    guard clampedSum(total.macs, total.otherOperations) <= limits.operations else {
      throw ONNXFailure("it would take \(total.macs) products and \(total.otherOperations) other operations")
    }
  }
}
