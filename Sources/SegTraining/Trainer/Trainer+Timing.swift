import SegEngine

extension Trainer {
  /// The validations of a training whose steps follow from a time.
  static let budgetedValidations = 6

  /// The number of steps that fit into a time, with six validations.
  ///
  /// - Parameter seconds: The time.
  public func steps(within seconds: Double) throws -> Int {
    let step = try measureStep()
    let validation = try measureValidation()
    return max(1, Int((seconds - Double(Trainer.budgetedValidations) * validation) / step))
  }

  /// Measures the seconds of a step, without changing anything.
  public func measureStep(rounds: Int = 3) throws -> Double {
    let step = try makeStep()
    var state = TrainingState(initializing: step, seed: configuration.seed)
    let (images, targets) = try sampler.batch(of: 0)
    try step.run(images, targets, &state, rate: configuration.rate)
    return try measured { for _ in 0..<rounds { try step.run(images, targets, &state, rate: configuration.rate) } }
      / Double(rounds)
  }

  /// Measures the seconds of a validation.
  func measureValidation() throws -> Double {
    let parameters = Parameters(
      initializing: try network.classGraph(size: Extent2D(configuration.crops.size)), seed: configuration.seed)
    return try measured { _ = try evaluate(parameters) }
  }

  private func measured(_ work: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try work()
    return (ContinuousClock.now - start) / .seconds(1)
  }
}
