import SegEngine

/// A stage during its import: the values that have come in, those that were looked at, and the nodes that have to wait.
///
/// A value that comes in flows, as the input of a graph does. If a node needs to know it, such as a size, its elements are
/// looked at, and the stage is valid for these elements only. Values that follow from few elements are computed at once.
/// A node that needs to know what only running the stage tells waits, and with it all nodes that read its results.
final class ONNXStaging {
  /// A node that belongs to a later stage.
  struct Postponed {
    let node: ONNXNode
    /// Why it cannot be imported; `nil` if it reads results of another such node.
    let failure: ONNXFailure?
    /// Whether it is evaluated before the next stage.
    let isEvaluated: Bool
  }

  /// The tensors that have come in, by name.
  let entered: [String: ONNXConstant]
  /// Whether what waits is run afterwards. Otherwise it is left out, and so is what depends on it.
  let isFollowed: Bool
  /// The tensors among them that the import depends on.
  private(set) var looked: [String: ONNXConstant] = [:]
  /// The names of values that a later stage computes.
  private(set) var awaited: Set<String> = []
  /// The nodes that belong to later stages, in topological order.
  private(set) var postponed: [Postponed] = []
  /// The nodes that have been imported, by the names of their outputs.
  var producers: [String: ONNXNode] = [:]

  init(entered: [String: ONNXConstant] = [:], isFollowed: Bool = true) {
    self.entered = entered
    self.isFollowed = isFollowed
  }

  func postpone(_ node: ONNXNode, _ failure: ONNXFailure? = nil, _ wait: ONNXFailure.Wait? = nil) {
    awaited.formUnion(node.outputs.filter { !$0.isEmpty })
    var isEvaluated = false
    if case .evaluation? = wait { isEvaluated = true }
    postponed.append(Postponed(node: node, failure: failure, isEvaluated: isEvaluated))
  }

  func look(at tensors: [String: ONNXConstant]) { looked.merge(tensors) { first, _ in first } }

  /// The operators that combine elements of all their operands.
  private static let combining: Set<String> = [
    "Concat", "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where", "MatMul", "Gemm", "ScatterND",
    "ScatterElements", "Gather", "GatherND", "GatherElements", "Compress", "Equal", "Less", "Greater", "And", "Or",
    "Attention", "LSTM", "GRU", "RNN",
  ]

  /// Throws ``ONNXFailure`` with a wait if a node combines tensors without elements with others, which the engine's
  /// operators do not: the evaluator does.
  func requireEngine(_ node: ONNXNode, _ inputs: [ONNXValue?]) throws(ONNXFailure) {
    guard isFollowed, ONNXStaging.combining.contains(node.kind),
      inputs.contains(where: { $0?.known?.shape.elementCount == 0 }),
      inputs.contains(where: { $0 != nil && $0?.known == nil })
    else { return }
    throw ONNXFailure("it has operands without elements", waitingFor: .evaluation)
  }
}

extension ONNXValue {
  /// A value without elements as a constant, since nothing but its shape can be known of it; other values unchanged.
  var withoutFlowIfEmpty: ONNXValue {
    guard case .flowing(let value, _) = content, value.shape.elementCount == 0 else { return self }
    return ONNXValue(ONNXConstant(type, Tensor(zeros: Shape(dimensions), of: type.elementType)))
  }
}

extension ONNXImporter {
  /// The number of elements up to which a value that has come in is taken for a size, a ratio, corners or lengths, and what
  /// follows from it is computed during import. Of larger ones the elements differ from run to run, so that a stage that
  /// depends on them would be compiled for each.
  private static let fewElements = 64
  /// The number of elements up to which results are computed during import.
  private static let mostElements = 4096

  /// The operators that are not arithmetic on sizes: a stage computes them.
  private static let computing: Set<String> = [
    windowRules, productRules, normalizationRules, resizeRules, attentionRules, recurrentRules, deformationRules,
    quantizedRules, contributedRules,
  ].reduce(into: []) { $0.formUnion($1.keys) }

  /// Returns the elements of a value if they are known or follow from what has come in, which the stage then depends on;
  /// else `nil`.
  ///
  /// - Throws: ``ONNXFailure`` if a node that leads to it is not defined for these elements.
  func look(at name: String) throws(ONNXFailure) -> ONNXConstant? {
    guard let staging, values[name] != nil else { return nil }
    var used: [String: ONNXConstant] = [:]
    var found: [String: ONNXConstant] = [:]
    guard let constant = try derived(name, staging, isWanted: true, &used, &found) else { return nil }
    staging.look(at: used)
    return constant
  }

  private func derived(
    _ name: String, _ staging: ONNXStaging, isWanted: Bool, _ used: inout [String: ONNXConstant],
    _ found: inout [String: ONNXConstant]
  ) throws(ONNXFailure) -> ONNXConstant? {
    if let known = values[name]?.known ?? found[name] { return known }
    if let tensor = staging.entered[name] {
      guard isWanted || tensor.shape.elementCount <= ONNXImporter.fewElements else { return nil }
      used[name] = tensor
      return tensor
    }
    guard let node = staging.producers[name], !ONNXImporter.computing.contains(node.operatorName),
      let value = values[name],
      value.dimensions.reduce(1, *) <= ONNXImporter.mostElements
    else { return nil }
    var operands: [ONNXConstant?] = []
    for input in node.inputs {
      if input.isEmpty {
        operands.append(nil)
      } else if let operand = try derived(input, staging, isWanted: false, &used, &found) {
        operands.append(operand)
      } else {
        return nil
      }
    }
    guard let results = try ONNXEvaluator.results(of: node, operands) else { return nil }
    for (output, result) in zip(node.outputs, results) { found[output] = result }
    return found[name]
  }
}
