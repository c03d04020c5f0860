/// The latency profile of a machine: the calibration of algorithm choice, the measured roofs, and the models of step
/// latency. It estimates the time of a network without running it, on this machine or for another one.
public struct LatencyProfile: Hashable, Sendable {
  /// The instruction set of the vector kernels, such as `avx2`.
  public let instructionSet: String
  /// The profile that algorithm choice is estimated from.
  public let choice: MachineProfile
  /// The measured roofs.
  public let roofs: MachineRoofs
  /// The models in ascending order of threads, at least one.
  public let models: [LatencyModel]

  /// Creates a profile.
  ///
  /// - Precondition: There is at least one model, and thread counts are ascending.
  public init(instructionSet: String, choice: MachineProfile, roofs: MachineRoofs, models: [LatencyModel]) {
    precondition(
      !models.isEmpty && zip(models, models.dropFirst()).allSatisfy { $0.threads < $1.threads },
      "models must be in ascending order of threads, and at least one")
    self.instructionSet = instructionSet
    self.choice = choice
    self.roofs = roofs
    self.models = models
  }

  /// The estimated seconds of each step of a plan.
  ///
  /// For a number of threads without a model, the time is interpolated from two models with Amdahl's law (1967): a
  /// parallel and a serial part of each step.
  public func seconds(of plan: ExecutionPlan) -> [Double] {
    func times(_ model: LatencyModel) -> [Double] {
      plan.demands(roofs: roofs, threads: model.threads).map(model.seconds(for:))
    }
    if let model = models.first(where: { $0.threads == plan.threads }) { return times(model) }
    let first = times(models[0])
    guard models.count > 1, let last = models.last else {
      return first.map { $0 * Double(models[0].threads) / Double(plan.threads) }
    }
    let (one, many) = (1 / Double(models[0].threads), 1 / Double(last.threads))
    return zip(first, times(last)).map { slow, fast in
      let shared = max(0, (slow - fast) / (one - many))
      return max(0, slow - shared * one) + shared / Double(plan.threads)
    }
  }

  /// The estimated time and memory of running a plan.
  public func estimate(_ plan: ExecutionPlan) -> LatencyEstimate {
    LatencyEstimate(plan, stepSeconds: seconds(of: plan))
  }
}
