extension CompiledModel {
  /// Measures the seconds of runs of the whole model, after a warm-up run: at least five and at most forty runs, until `lasting` seconds
  /// have passed. Variables are initially zeros.
  ///
  /// - Throws: The errors of ``run(_:into:using:)``.
  public func runSeconds(_ inputs: [Tensor], lasting: Double) throws(GraphError) -> [Double] {
    var (results, state) = (outputs.map(\.zeros), variables.map(\.zeros))
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

  /// Measures the lower quartile of each step's time in seconds, after a warm-up run: at least three runs of all steps in order, until
  /// `lasting` seconds have passed.
  func stepSeconds(_ inputs: [Tensor], lasting: Double) throws -> [Double] {
    let first = try profile(inputs).reduce(0, +)
    let rounds = max(3, min(25, Int(lasting / max(first, 1e-6))))
    return try profile(inputs, rounds: rounds).map(\.lowerQuartile)
  }
}
