import SegEngine

/// The weights of a network in training, with running statistics, the optimiser's variables and the number of steps.
///
/// It is a value: a copy is a checkpoint. The first step after a copy copies the tensors.
public struct TrainingState: Sendable {
  /// The names of the variables, in the order of the step.
  private let names: [String]
  private var tensors: [Tensor]
  private let network: Set<String>
  private var results: [Tensor]

  /// Draws the weights of a step by the network's initialisers. The seed is also that of dropout.
  public init(initializing step: TrainingStep, seed: UInt64) {
    self.init(step, Parameters(initializing: step.network, seed: seed), seed: seed)
  }

  /// Begins with given weights, such as those of a checkpoint. The seed is that of dropout.
  ///
  /// - Throws: ``ParameterError`` if weights are missing or have other shapes.
  public init(_ step: TrainingStep, weights: Parameters, seed: UInt64 = 0) throws {
    try weights.validate(for: step.network)
    self.init(step, weights, seed: seed)
  }

  private init(_ step: TrainingStep, _ weights: Parameters, seed: UInt64) {
    network = Set(step.network.parameters.map(\.name))
    names = step.model.variables.map(\.name)
    tensors = step.model.variables.map { port in
      if let own = weights[port.name] { return own }
      if port.name.hasPrefix(TrainingState.averagePrefix),
        let own = weights[String(port.name.dropFirst(TrainingState.averagePrefix.count))]
      {
        return own
      }
      if port.name == TrainingGraph.seedName {
        return Tensor([2], [Int32(truncatingIfNeeded: seed), Int32(truncatingIfNeeded: seed >> 32)])
      }
      return Tensor(zeros: port.spec.shape, of: port.spec.elementType)
    }
    results = step.model.outputs.map { Tensor(zeros: $0.spec.shape, of: $0.spec.elementType) }
  }

  /// The prefix of the names of averaged weights.
  static let averagePrefix = "average/"

  /// The number of steps so far.
  public var steps: Int {
    names.firstIndex(of: TrainingGraph.stepsName).map { Int(tensors[$0].elements(of: Float.self)[0]) } ?? 0
  }

  /// The weights and running statistics, by the names of checkpoints.
  public var parameters: Parameters {
    Parameters(
      Dictionary(uniqueKeysWithValues: zip(names, tensors).filter { network.contains($0.0) }.map { ($0, $1) }))
  }

  /// The averaged weights with the running statistics; `nil` if weights are not averaged.
  public var averagedParameters: Parameters? {
    var result = parameters
    var isAveraged = false
    for (name, tensor) in zip(names, tensors) where name.hasPrefix(TrainingState.averagePrefix) {
      result[String(name.dropFirst(TrainingState.averagePrefix.count))] = tensor
      isAveraged = true
    }
    return isAveraged ? result : nil
  }

  /// The first weight, in the order of the step's variables, that fulfils a condition.
  func firstWeight(where condition: (Tensor) -> Bool) -> String? {
    zip(names, tensors).first { network.contains($0.0) && condition($0.1) }?.0
  }

  /// All variables by name, to continue later: weights, running statistics, the optimiser's variables, averages, the number of steps.
  public var variables: Parameters {
    Parameters(Dictionary(uniqueKeysWithValues: zip(names, tensors).map { ($0, $1) }))
  }

  /// Continues with the ``variables`` of an earlier state.
  ///
  /// - Throws: ``GraphError/wrongVariable(name:expected:actual:)`` if one is missing or has another shape.
  public init(_ step: TrainingStep, continuing variables: Parameters) throws(GraphError) {
    for port in step.model.variables where variables[port.name]?.spec != port.spec {
      throw .wrongVariable(name: port.name, expected: port.spec, actual: variables[port.name]?.spec)
    }
    self.init(step, variables, seed: 0)
  }

  /// Runs a step on the state.
  mutating func run(
    _ step: TrainingStep, _ images: Tensor, _ targets: Tensor, rate: Float, time: Float
  ) throws(GraphError) -> TrainingStep.Result {
    precondition(names == step.model.variables.map(\.name), "the state belongs to another step")
    let inputs = step.model.inputs.map { port in
      switch port.name {
      case "targets": targets
      case "rate": Tensor([1], [rate])
      case "time": Tensor([1], [time])
      default: images
      }
    }
    try step.model.run(inputs, into: &results, updating: &tensors)
    func result(_ name: String) -> Double? {
      step.model.outputs.firstIndex { $0.name == name }.map { Double(results[$0].elements(of: Float.self)[0]) }
    }
    return TrainingStep.Result(loss: result("loss")!, gradientNorm: result("norm"))
  }
}
