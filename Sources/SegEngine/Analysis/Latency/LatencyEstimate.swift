/// The time and memory that a network is expected to take.
public struct LatencyEstimate: Sendable {
  /// What was planned.
  public let plan: ExecutionPlan
  /// Seconds of each step.
  public let stepSeconds: [Double]

  init(_ plan: ExecutionPlan, stepSeconds: [Double]) {
    self.plan = plan
    self.stepSeconds = stepSeconds
  }

  /// Seconds of a run.
  public var seconds: Double { stepSeconds.reduce(0, +) }

  /// Bytes of a process before it holds a network: code, libraries, what the allocator keeps.
  public static let processByteCount = 34_000_000

  /// The largest resident size of a process that compiles the network from weights that it holds nowhere else, and runs it.
  public var peakResidentByteCount: Int {
    LatencyEstimate.processByteCount + max(plan.residentByteCount, plan.compilingByteCount)
  }
}
