import SegEngine

/// Evaluation of nodes with the engine's operators, through the rules of the import.
extension ONNXEvaluator {
  /// The backend. It has one thread, because a node may be evaluated while the threads of another pool run a network.
  private static let backend = ReferenceBackend(workers: WorkerPool(threads: 1))

  /// The operators whose rule returns the input itself.
  private static let forwarding: Set<String> = ["Identity", "Dropout", "Cast"]

  /// The rules for evaluation. Those of operators that move elements are not among them, because these operators also
  /// take tensors without elements, which the engine does not support.
  private static let computing: [String: ONNXImporter.Rule] = [
    ONNXImporter.elementwiseRules, ONNXImporter.arithmeticRules, ONNXImporter.windowRules,
    ONNXImporter.normalizationRules, ONNXImporter.productRules, ONNXImporter.reductionRules, ONNXImporter.resizeRules,
    ONNXImporter.attentionRules, ONNXImporter.recurrentRules,
    ONNXImporter.deformationRules, ONNXImporter.contributedRules,
  ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
    .filter { !forwarding.contains($0.key) }

  /// Returns whether there is a rule for an operator type.
  static func isEngines(_ kind: String) -> Bool { computing[kind] != nil }

  /// Returns the outputs of a node, computed by the engine's operators on the reference backend; `nil` if no rule
  /// supports the node's types, shapes and attributes.
  ///
  /// The node becomes a graph of its own. Its input 0 is the graph's input, and the others are constants.
  static func engineResults(
    of node: ONNXNode, _ inputs: [ONNXConstant?]
  ) throws(ONNXFailure) -> [ONNXConstant]? {
    guard let rule = computing[node.operatorName], let first = inputs.first, let x = first, x.type.isFloat else {
      return nil
    }
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
        // Outputs without elements need no computation. Outputs with elements from inputs without elements, such as an
        // empty sum, are left to the evaluator's functions.
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
      // A graph without outputs means that the rule does not support the node. A shape error means that the node is
      // invalid.
      if case .noOutputs = error { return nil }
      if case .shape(_, let error, _, _) = error { throw ONNXFailure(error.reason) }
      throw ONNXFailure("\(error)")
    } catch {
      throw ONNXFailure("\(error)")
    }
  }

  /// Throws if the outputs or the operations of a graph exceed ``limits``.
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
