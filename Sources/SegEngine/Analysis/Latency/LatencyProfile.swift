/// What is known of a machine: which algorithms it chooses, what it can do at most, and how long steps take. From it the time of a
/// network is told before the network runs, on this machine or on another one.
public struct LatencyProfile: Hashable, Sendable {
  /// The instruction set of the vector kernels, such as `avx2`.
  public let instructionSet: String
  /// From what the choice between algorithms is estimated.
  public let choice: MachineProfile
  /// The measured roofs.
  public let roofs: MachineRoofs
  /// The models by rising numbers of threads, at least one.
  public let models: [LatencyModel]

  /// Joins what is known.
  ///
  /// - Precondition: there is a model, and their threads rise.
  public init(instructionSet: String, choice: MachineProfile, roofs: MachineRoofs, models: [LatencyModel]) {
    precondition(
      !models.isEmpty && zip(models, models.dropFirst()).allSatisfy { $0.threads < $1.threads },
      "models of rising numbers of threads")
    self.instructionSet = instructionSet
    self.choice = choice
    self.roofs = roofs
    self.models = models
  }

  /// The seconds of each step of a plan.
  ///
  /// A number of threads that was not calibrated is told from two that were: a part of a step's time that all threads share, and one
  /// that none does (Amdahl 1967).
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

  /// What running a plan takes.
  public func estimate(_ plan: ExecutionPlan) -> LatencyEstimate {
    LatencyEstimate(plan, stepSeconds: seconds(of: plan))
  }
}
