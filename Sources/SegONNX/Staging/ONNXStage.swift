import SegEngine
import Synchronization

/// The nodes that are left of a network when values of a run are needed, or all its nodes at first.
///
/// Running a stage imports what can be imported with the values at hand, compiles that for their shapes and for the
/// elements that the import depends on, and runs it. What then is left is the next stage. Compiled stages are kept, the
/// last few of each stage, so that values of the same shapes and, where they matter, the same elements run without import.
final class ONNXStage: Sendable {
  /// What the stages of a network have in common.
  struct Context: Sendable {
    let path: String
    let name: String
    let backend: any Backend
    let options: CompileOptions
    /// The number of compiled variants that each stage keeps.
    let capacity: Int
    /// The constants that are not read, with the reason.
    var unread: [String: String]
  }

  let context: Context
  private let nodes: [ONNXNode]
  private let constants: [String: ONNXConstant]
  private let sequences: [String: [ONNXConstant]]
  /// The names of the values that are wanted in the end.
  private let outputs: [String]
  /// The names of all values that the stage may read.
  private let readNames: Set<String>
  private let variants = Mutex<[Variant]>([])

  /// Creates a stage.
  ///
  /// - Parameters:
  ///   - nodes: The nodes.
  ///   - constants: The constants that the nodes read.
  ///   - sequences: The sequences of constants that they read.
  ///   - outputs: The names of the values that are wanted in the end.
  init(
    _ context: Context, nodes: [ONNXNode], constants: [String: ONNXConstant], sequences: [String: [ONNXConstant]] = [:],
    outputs: [String]
  ) {
    self.context = context
    self.nodes = nodes
    self.constants = constants
    self.sequences = sequences
    self.outputs = outputs
    readNames = Set(nodes.flatMap(\.readNames)).union(outputs)
  }

  /// Where a value that later stages or the caller need comes from.
  private enum Result {
    /// It is constant.
    case known(ONNXConstant)
    /// It is an output of the compiled graph.
    case computed(String, ONNXElement)
    /// It is the tensor with this name that has come in.
    case entered(String)
    case sequence([Result])
  }

  /// A stage compiled for shapes and elements of what comes in.
  private struct Variant {
    let kinds: [String: ONNXRunValue.Kind]
    let looked: [String: ONNXConstant]
    /// The compiled graph; `nil` if there is nothing to compute.
    let model: CompiledModel?
    let results: [String: Result]
    /// The nodes that are evaluated when the graph has run.
    let evaluated: [ONNXEvaluatedNode]
    /// What is left; `nil` if this is the last stage.
    let next: ONNXStage?
  }

  /// Runs the stage and all that follow, and returns the outputs by name.
  ///
  /// - Parameters:
  ///   - inputs: The values that the nodes read and do not compute, constants excepted.
  ///   - willRun: Is called before a compiled graph runs.
  /// - Throws: ``ONNXError``, `GraphError`.
  func run(
    _ inputs: [String: ONNXRunValue], willRun: (CompiledModel) throws -> Void = { _ in }
  ) throws -> [String: ONNXRunValue] {
    var stage = self
    var values = inputs
    while true {
      values = values.filter { stage.readNames.contains($0.key) }
      let tensors = Dictionary(
        values.flatMap { $1.tensors(named: $0) }.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
      let variant = try stage.variant(for: values, tensors)
      var computed: [String: Tensor] = [:]
      if let model = variant.model {
        try willRun(model)
        var given: [String: Tensor] = [:]
        for port in model.inputs { given[port.name] = tensors[port.name]?.tensor }
        computed = try model.run(given)
      }
      for (name, result) in variant.results { values[name] = ONNXStage.value(result, tensors, computed) }
      guard let next = variant.next else { return values.filter { outputs.contains($0.key) } }
      for node in variant.evaluated { values.merge(try node.run(values)) { $1 } }
      stage = next
    }
  }

  private static func value(
    _ result: Result, _ tensors: [String: ONNXConstant], _ computed: [String: Tensor]
  ) -> ONNXRunValue {
    func tensor(_ result: Result) -> ONNXConstant? {
      switch result {
      case .known(let constant): constant
      case .computed(let name, let type): ONNXConstant(type, computed[name]!)
      case .entered(let name): tensors[name]
      case .sequence: nil
      }
    }
    if case .sequence(let list) = result { return .sequence(list.map { tensor($0)! }) }
    return .tensor(tensor(result)!)
  }

  // MARK: Variants

  private func variant(
    for values: [String: ONNXRunValue], _ tensors: [String: ONNXConstant]
  ) throws -> Variant {
    let kinds = values.mapValues(\.kind)
    func fits(_ variant: Variant) -> Bool {
      variant.kinds == kinds && variant.looked.allSatisfy { tensors[$0]?.isIdentical(to: $1) ?? false }
    }
    let found = variants.withLock { variants -> Variant? in
      guard let index = variants.firstIndex(where: fits) else { return nil }
      let variant = variants.remove(at: index)
      variants.append(variant)
      return variant
    }
    if let found { return found }
    let variant = try makeVariant(values, tensors, kinds)
    variants.withLock { variants in
      variants.append(variant)
      if variants.count > context.capacity { variants.removeFirst() }
    }
    return variant
  }

  private func makeVariant(
    _ values: [String: ONNXRunValue], _ tensors: [String: ONNXConstant], _ kinds: [String: ONNXRunValue.Kind]
  ) throws -> Variant {
    let staging = ONNXStaging(entered: tensors)
    var results: [String: Result] = [:]
    var left: [ONNXStaging.Postponed] = []
    var kept: [String: ONNXConstant] = [:]
    var keptSequences: [String: [ONNXConstant]] = [:]
    var known: [String: ONNXConstant] = [:]
    let graph: Graph?
    let limits = ONNXEvaluator.limits
    do {
      graph = try Graph(context.name) { builder in
        let importer = ONNXImporter(builder, staging: staging)
        define(values, in: importer)
        try ONNXEvaluator.$limits.withValue(
          .init(elements: min(limits.elements, 1 << 27), operations: min(limits.operations, 1 << 31))
        ) {
          try importer.addNodes(of: ONNXGraph(nodes: nodes, unread: context.unread))
        }
        left = staging.postponed
        // Nodes that wait read, and the caller wants, what this stage knows or computes.
        var later = Set(outputs)
        for postponed in left { later.formUnion(postponed.node.readNames) }
        for name in later.sorted() {
          if let value = importer.values[name] {
            if let constant = value.known { known[name] = constant }
            results[name] = try result(name, value, importer)
          } else if let list = importer.sequences[name] {
            results[name] = .sequence(try list.enumerated().map { try result("\(name)[\($0)]", $1, importer) })
          }
        }
      }
    } catch GraphError.noOutputs {
      graph = nil
    } catch let failure as ONNXNodeFailure {
      throw ONNXError(
        context.path, .node(name: failure.node.name, operator: failure.node.kind, reason: failure.reason))
    } catch let failure as ONNXFailure {
      throw ONNXError(context.path, .malformed(reason: failure.reason))
    }
    for name in outputs where results[name] == nil && !staging.awaited.contains(name) {
      throw ONNXError(context.path, .malformed(reason: "its output \(name) is computed nowhere"))
    }
    let evaluated = try left.filter(\.isEvaluated).map { try ONNXEvaluatedNode($0.node, known: known, context) }
    let rest = left.filter { !$0.isEvaluated }
    // A stage that neither computes nor evaluates anything is followed by itself.
    if let stuck = rest.first, let failure = stuck.failure, left.count == nodes.count, evaluated.isEmpty,
      staging.looked.isEmpty, isWaiting(for: failure, tensors)
    {
      throw ONNXError(
        context.path, .node(name: stuck.node.name, operator: stuck.node.kind, reason: failure.reason))
    }
    if !left.isEmpty {
      let names = Set(rest.flatMap { $0.node.readNames }).union(outputs)
      for name in names {
        guard let result = results[name] else { continue }
        if case .known(let constant) = result { kept[name] = constant }
        if case .sequence(let list) = result {
          let constants = list.compactMap { if case .known(let constant) = $0 { constant } else { nil } }
          if constants.count == list.count { keptSequences[name] = constants }
        }
      }
    }
    // What the next stage has as constants does not come in.
    let evaluatedNames = Set(evaluated.flatMap(\.readNames))
    let isLast = left.isEmpty
    let passed = results.filter { name, _ in
      isLast || evaluatedNames.contains(name) || (kept[name] == nil && keptSequences[name] == nil)
    }
    return Variant(
      kinds: kinds, looked: staging.looked,
      model: try graph.map { try $0.compiled(on: context.backend, options: context.options) }, results: passed,
      evaluated: evaluated,
      next: isLast
        ? nil
        : ONNXStage(
          context, nodes: rest.map(\.node), constants: kept, sequences: keptSequences, outputs: outputs))
  }

  /// Whether a node waits for a value that has come in already.
  private func isWaiting(for failure: ONNXFailure, _ tensors: [String: ONNXConstant]) -> Bool {
    guard case .values(let names)? = failure.wait else { return false }
    return names.allSatisfy { tensors[$0] != nil || constants[$0] != nil }
  }

  /// Defines what has come in, as inputs of the graph, and the constants.
  private func define(_ values: [String: ONNXRunValue], in importer: ONNXImporter) {
    func value(_ name: String, _ tensor: ONNXConstant) -> ONNXValue {
      guard tensor.shape.elementCount > 0 else { return ONNXValue(tensor) }
      return ONNXValue(
        tensor.type, importer.builder.input(name, tensor.shape, of: tensor.tensor.elementType))
    }
    for (name, constant) in constants { importer.define(name, ONNXValue(constant)) }
    for (name, list) in sequences { importer.sequences[name] = list.map(ONNXValue.init) }
    for (name, run) in values.sorted(by: { $0.key < $1.key }) {
      let tensors = run.tensors(named: name).map { value($0.name, $0.tensor) }
      if run.kind.isSequence { importer.sequences[name] = tensors } else { importer.define(name, tensors[0]) }
    }
  }

  /// Returns where a value comes from; one that is computed becomes an output of the graph.
  private func result(_ name: String, _ value: ONNXValue, _ importer: ONNXImporter) throws -> Result {
    if let constant = value.known { return .known(constant) }
    guard case .flowing(let flowing, let axes) = value.content else { return .entered(name) }
    if case .input(let input) = importer.builder.source(of: flowing), axes == Array(0..<axes.count) {
      return .entered(input)
    }
    guard flowing.elementType == value.type.elementType else {
      throw ONNXFailure("\(name) is needed in another form than its node computes it in")
    }
    importer.builder.output(name, importer.arranged(value))
    return .computed(name, value.type)
  }
}
