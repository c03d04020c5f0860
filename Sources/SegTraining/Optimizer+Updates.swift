import SegEngine

/// The inputs of updates that all weights share.
struct UpdateInputs {
  /// The learning rate `[1]`.
  let rate: Value
  /// The number of steps, this one included, `[1]`.
  let count: Value
  /// A factor of all gradients `[1]`, or none.
  var scale: Value?

  /// Returns the inputs with the learning rate times a factor.
  func scaled(_ factor: Double?, in graph: GraphBuilder) -> UpdateInputs {
    guard let factor, factor != 1 else { return self }
    return UpdateInputs(
      rate: rate.combine(.multiply, graph.constant(Tensor([1], [Float(factor)])), named: "rate.layer"), count: count,
      scale: scale)
  }
}

extension Optimizer {
  /// The prefix of the names of the optimiser's variables.
  static let prefix = "optimizer/"

  /// Adds the update of a weight and the optimiser's variables for it, and returns the new weight.
  func update(_ weight: Value, named name: String, gradient: Value, _ inputs: UpdateInputs) -> Value {
    let graph = weight.graph
    let spec = TensorSpec(weight.shape, weight.elementType)
    let decay = decaysAll || weight.shape.rank >= 2 ? decay : 0
    func state(_ kind: String) -> Value { graph.variable("\(Optimizer.prefix)\(kind)/\(name)", spec) }
    func add(_ update: some Operator, _ states: [Value], _ numbers: [Value]) -> Value {
      let results = graph.add(
        update, named: "\(name).update",
        to: [weight, gradient] + states + numbers + (inputs.scale.map { [$0] } ?? []), outputCount: 1 + states.count)
      for (state, result) in zip(states, results.dropFirst()) { graph.update(state, to: result) }
      graph.update(weight, to: results[0])
      return results[0]
    }
    switch method {
    case .sgd(let momentum, let nesterov):
      return add(
        MomentumUpdate(momentum: momentum, decay: decay, nesterov: nesterov), [state("momentum")], [inputs.rate])
    case .adamW(let beta1, let beta2, let epsilon):
      return add(
        AdamUpdate(beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay), [state("mean"), state("square")],
        [inputs.rate, inputs.count])
    case .lion(let beta1, let beta2):
      return add(LionUpdate(beta1: beta1, beta2: beta2, decay: decay), [state("momentum")], [inputs.rate])
    }
  }
}
