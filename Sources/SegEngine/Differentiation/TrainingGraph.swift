/// A network's graph in training, to which a loss, gradients and updates are added.
///
/// Weights and running statistics are variables, named as in checkpoints. Batch normalisation uses the statistics of the batch and updates
/// the running ones.
package struct TrainingGraph {
  /// The builder, which holds the network.
  package let builder: GraphBuilder
  /// The network's outputs, by name, in the graph's order.
  package let outputs: [(name: String, value: Value)]
  /// The weights, in the order of the architecture, without running statistics.
  package let weights: [(info: Graph.ParameterInfo, value: Value)]
  /// The running statistics.
  package let statistics: [Graph.ParameterInfo]
  /// The variable ``stepsName``, float32 `[1]`: the number of steps before this one.
  package let steps: Value

  /// The name of the number of steps.
  package static let stepsName = "steps"
  /// The name of the seed of random numbers, int32 `[2]`, the lower half first. The variable is there if the step draws random numbers.
  package static let seedName = "seed"

  /// Makes the training form of a network for inputs of given shapes.
  ///
  /// - Parameters:
  ///   - graph: The network.
  ///   - shapes: The shapes of the inputs.
  ///   - batchNorm: How batch normalisation works.
  ///   - appliesDropout: Whether ``Dropout`` sets elements to zero.
  /// - Throws: ``GraphError`` for shapes that do not fit; ``TrainingError`` where a normalisation has one value for each channel.
  package init(
    _ graph: Graph, for shapes: [String: Shape], batchNorm: BatchNormMode, appliesDropout: Bool = true
  ) throws {
    var graph = graph
    for (index, spec) in try graph.specs(forInputs: shapes).enumerated() { graph.values[index].spec = spec }
    let outputs = graph.outputs
    let parameters = graph.parameters
    let places = graph.replaceParametersByVariables()
    let steps = graph.addVariable(TrainingGraph.stepsName, TensorSpec([1]))
    let drops = appliesDropout && graph.nodes.contains { ($0.operator as? Dropout)?.rate ?? 0 > 0 }
    let seed = drops ? graph.addVariable(TrainingGraph.seedName, TensorSpec([2], .int32)) : nil

    var editor = GraphEditor(graph)
    graph = Graph(emptyNamed: graph.name)
    editor.apply(RemoveUnusedNodes())
    if let seed { editor.useRandomMasks(seed: seed, steps: steps) }
    editor.apply(FuseDifferentiableFunction())
    var statistics: [BatchStatistics] = []
    if case .batchStatistics = batchNorm { statistics = try editor.useBatchStatistics() }
    graph = editor.finish()
    graph.outputs = []

    let builder = GraphBuilder(continuing: graph)
    if case .batchStatistics(let momentum) = batchNorm {
      for own in statistics {
        builder.scope("\(own.node).running") {
          func update(_ variable: Graph.ValueID, _ statistic: Graph.ValueID, scale: Double, _ name: String) {
            let variable = Value(builder: builder, id: variable)
            // A statistic that is no variable belongs to a network that computes it.
            guard case .variable = builder.source(of: variable) else { return }
            let average = variable.apply(
              ExponentialAverage(decay: 1 - momentum, share: momentum * scale), named: name,
              with: [Value(builder: builder, id: statistic)])
            builder.update(variable, to: average)
          }
          update(own.runningMean, own.mean, scale: 1, "mean")
          // The running variance is the unbiased estimate.
          update(
            own.runningVariance, own.variance, scale: Double(own.count) / Double(own.count - 1), "variance")
        }
      }
    }
    let running = Set(
      graph.nodes.filter { $0.operator is any BatchNormalizing }.flatMap { $0.inputs[3...4] }
        + statistics.flatMap { [$0.runningMean, $0.runningVariance] })
    self.builder = builder
    self.steps = Value(builder: builder, id: steps)
    self.outputs = outputs.map { ($0.name, Value(builder: builder, id: $0.value)) }
    weights = parameters.compactMap { info in
      let id = places[info.name]!
      return running.contains(id) || info.spec.elementType != .float32 ? nil : (info, Value(builder: builder, id: id))
    }
    self.statistics = parameters.filter { running.contains(places[$0.name]!) }
  }

  /// The graph with the outputs and updates that were added to ``builder``.
  ///
  /// - Throws: ``GraphError`` of the builder.
  package func finish() throws(GraphError) -> Graph { try builder.finish() }
}

/// How batch normalisation works in training.
public enum BatchNormMode: Hashable, Sendable {
  /// With the statistics of the batch. Running statistics move towards them by `momentum`: new = (1 − momentum) · old + momentum · batch's
  /// (PyTorch's convention, 0.1 by default there).
  case batchStatistics(momentum: Double)
  /// With the running statistics, which do not change; weight and bias are trained.
  case frozen
}

/// An error in the training form of a network.
public enum TrainingError: Error, Sendable, CustomStringConvertible {
  /// A batch normalisation has one value for each channel, whose variance is zero. `layer` is its name.
  case oneValuePerChannel(layer: String)

  public var description: String {
    switch self {
    case .oneValuePerChannel(let layer):
      "\(layer) normalises one value for each channel, so that every output is its bias: train with a batch of two images or more, or "
        + "with frozen statistics"
    }
  }
}

/// The statistics of a batch that a node takes instead of the running ones.
private struct BatchStatistics {
  let node: String
  let mean, variance: Graph.ValueID
  let runningMean, runningVariance: Graph.ValueID
  /// The values of a channel.
  let count: Int
}

extension Graph {
  /// Makes every parameter a variable of its name, and returns the values by name.
  fileprivate mutating func replaceParametersByVariables() -> [String: ValueID] {
    var places: [String: ValueID] = [:]
    for index in values.indices {
      guard case .parameter(let name) = values[index].source else { continue }
      places[name] = ValueID(index: index)
      values[index].source = .variable(name: name)
      variables.append(
        .init(name: name, value: ValueID(index: index), spec: values[index].spec, initial: nil, update: nil))
    }
    parameters = []
    return places
  }

  /// Adds a variable that the caller provides.
  fileprivate mutating func addVariable(_ name: String, _ spec: TensorSpec) -> ValueID {
    let id = ValueID(index: values.count)
    values.append(.init(source: .variable(name: name), spec: spec))
    variables.append(.init(name: name, value: id, spec: spec, initial: nil, update: nil))
    return id
  }
}

extension GraphEditor {
  /// Lets dropouts set elements to zero.
  fileprivate mutating func useRandomMasks(seed: Graph.ValueID, steps: Graph.ValueID) {
    for id in nodes {
      guard let dropout = self[id].operator as? Dropout, dropout.rate > 0 else { continue }
      replace(id, by: RandomMask(dropout, node: self[id].name), on: [self[id].inputs[0], seed, steps])
    }
  }

  /// Lets batch normalisations take the statistics of the batch.
  fileprivate mutating func useBatchStatistics() throws(TrainingError) -> [BatchStatistics] {
    var result: [BatchStatistics] = []
    for id in nodes where self[id].operator is any BatchNormalizing {
      let node = self[id]
      let rows = spec(of: node.inputs[0]).shape.rows
      guard rows > 1 else { throw .oneValuePerChannel(layer: node.name) }
      let moments = insert(BatchMoments(), named: "\(node.name).moments", on: [node.inputs[0]], before: id)
      result.append(
        BatchStatistics(
          node: node.name, mean: moments[0], variance: moments[1], runningMean: node.inputs[3],
          runningVariance: node.inputs[4], count: rows))
      replace(id, by: node.operator, on: Array(node.inputs[..<3]) + moments)
    }
    return result
  }
}

/// Lets an operator apply the function that follows it where its gradient takes the function into account, so that the operand of the
/// function is not kept for the backward pass.
private struct FuseDifferentiableFunction: NodeRewrite {
  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    guard let pointwise = editor[node].operator as? any Pointwise, pointwise.function.isDifferentiable,
      let producer = editor.soleProducer(of: editor[node].inputs[0]), editor[producer].outputs.count == 1,
      let merged = (editor[producer].operator as? any FunctionDifferentiating)?.absorbing(pointwise.function)
    else { return }
    editor.merge(node, into: producer, as: merged)
  }
}
