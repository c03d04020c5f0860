extension GraphBuilder {
  /// Adds the operators that compute the gradients of a loss by backpropagation (Rumelhart, Hinton and Williams 1986).
  ///
  /// The nodes are visited from the loss back to the values. Where several operators read a value, its gradient is the sum of theirs.
  ///
  /// - Parameters:
  ///   - loss: One float32 number.
  ///   - values: The values whose gradients are computed, such as weights.
  ///   - finished: Called once for each of `values` on which the loss depends, as soon as the operators that compute its gradient are
  ///     added. Operators that it adds run before the gradients of earlier layers are computed, so that an update of the weights does not
  ///     keep the gradient of each.
  /// - Throws: ``GradientError`` if an operator between loss and values has no gradient.
  package func addGradients(
    of loss: Value, withRespectTo values: [Value], finished: (_ value: Value, _ gradient: Value) -> Void
  ) throws(GradientError) {
    guard loss.elementType == .float32, loss.shape.elementCount == 1 else {
      throw .notScalar(TensorSpec(loss.shape, loss.elementType))
    }
    var walk = Backpropagation(self, values)
    try walk.run(from: loss, finished: finished)
  }
}

/// The walk from a loss back to the values whose gradients are computed.
private struct Backpropagation {
  private let builder: GraphBuilder
  /// The nodes before the walk.
  private let nodes: [Graph.Node]
  private let producers: [Graph.ValueID: Int]
  /// The values that depend on one of those whose gradients are asked for.
  private var dependent: Set<Graph.ValueID>
  private let targets: Set<Graph.ValueID>
  /// The number of nodes that read each target and are not visited yet.
  private var readers: [Graph.ValueID: Int] = [:]
  private var gradients: [Graph.ValueID: Value] = [:]

  init(_ builder: GraphBuilder, _ values: [Value]) {
    self.builder = builder
    nodes = builder.nodes
    targets = Set(values.map(\.id))
    dependent = targets
    var producers: [Graph.ValueID: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for output in node.outputs { producers[output] = index }
      for input in Set(node.inputs) where targets.contains(input) { readers[input, default: 0] += 1 }
      guard node.inputs.contains(where: dependent.contains) else { continue }
      for output in node.outputs where builder.spec(of: output).elementType == .float32 { dependent.insert(output) }
    }
    self.producers = producers
  }

  mutating func run(from loss: Value, finished: (Value, Value) -> Void) throws(GradientError) {
    gradients[loss.id] = builder.constant(Tensor([1], [Float(1)])).reshape(to: loss.shape)
    for index in nodes.indices.reversed() {
      try visit(index)
      for input in Set(nodes[index].inputs) where targets.contains(input) {
        readers[input]! -= 1
        if readers[input] == 0, let gradient = gradients[input] {
          finished(Value(builder: builder, id: input), gradient)
        }
      }
    }
  }

  /// Adds the gradients of a node's inputs.
  private mutating func visit(_ index: Int) throws(GradientError) {
    let node = nodes[index]
    let outputGradients = node.outputs.map { gradients.removeValue(forKey: $0) }
    let required = node.inputs.map(dependent.contains)
    guard outputGradients.contains(where: { $0 != nil }), required.contains(true) else { return }
    guard let differentiable = node.operator as? any Differentiable else {
      throw .notDifferentiable(node: node.name, operator: type(of: node.operator).name)
    }
    let (producers, nodes) = (producers, nodes)
    let context = GradientContext(
      inputs: node.inputs.map { Value(builder: builder, id: $0) },
      outputs: node.outputs.map { Value(builder: builder, id: $0) }, outputGradients: outputGradients,
      requiresGradient: required, producers: { producers[$0].map { nodes[$0] } })
    let results = builder.scope("\(node.name).gradient") { differentiable.gradients(context) }
    if let failure = builder.failure { throw .failed(node: node.name, reason: "\(failure)") }
    precondition(
      results.count == node.inputs.count, "\(node.name) has \(node.inputs.count) inputs and \(results.count) gradients")
    for (input, gradient) in zip(node.inputs, results) where dependent.contains(input) {
      guard let gradient else { continue }
      let spec = builder.spec(of: input)
      guard gradient.shape == spec.shape else {
        throw .failed(node: node.name, reason: "the gradient of \(spec) is \(gradient.shape)")
      }
      gradients[input] =
        gradients[input].map { earlier in
          builder.scope("\(node.name).gradient") { earlier.combine(.add, gradient, named: "sum") }
        } ?? gradient
    }
  }
}
