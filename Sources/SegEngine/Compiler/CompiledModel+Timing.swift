extension CompiledModel {
  /// The seconds of runs of the whole model, after one that does not count: five runs at least, forty at most, until `lasting` seconds
  /// are over. Variables are zeros at first.
  ///
  /// - Throws: as ``run(_:into:using:)``.
  public func runSeconds(_ inputs: [Tensor], lasting: Double) throws(GraphError) -> [Double] {
    var results = outputs.map { Tensor(zeros: $0.spec.shape, of: $0.spec.elementType) }
    var state = variables.map { Tensor(zeros: $0.spec.shape, of: $0.spec.elementType) }
    let workspace = makeWorkspace()
    try run(inputs, into: &results, updating: &state, using: workspace)
    let clock = ContinuousClock()
    var times: [Double] = []
    while times.count < 5 || (times.reduce(0, +) < lasting && times.count < 40) {
      let start = clock.now
      try run(inputs, into: &results, updating: &state, using: workspace)
      times.append((clock.now - start) / .seconds(1))
    }
    return times
  }

  /// The lower quartile of each step's times, in seconds, over runs of all steps in order until `lasting` seconds are over, three at least, after
  /// one that does not count.
  func stepSeconds(_ inputs: [Tensor], lasting: Double) throws -> [Double] {
    let first = try profile(inputs).reduce(0, +)
    let rounds = max(3, min(25, Int(lasting / max(first, 1e-6))))
    return try profile(inputs, rounds: rounds).map(\.lowerQuartile)
  }
}
