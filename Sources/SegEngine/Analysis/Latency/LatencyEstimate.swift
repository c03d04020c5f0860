/// The estimated time and memory of a network.
public struct LatencyEstimate: Sendable {
  /// The execution plan.
  public let plan: ExecutionPlan
  /// Seconds of each step.
  public let stepSeconds: [Double]

  init(_ plan: ExecutionPlan, stepSeconds: [Double]) {
    self.plan = plan
    self.stepSeconds = stepSeconds
  }

  /// Seconds per run.
  public var seconds: Double { stepSeconds.reduce(0, +) }

  /// The memory of a process without a network, in bytes: code, libraries and the allocator's reserve.
  public static let processByteCount = 34_000_000

  /// The estimated peak resident memory of a process that compiles and runs the network and holds the weights nowhere
  /// else, in bytes.
  public var peakResidentByteCount: Int {
    LatencyEstimate.processByteCount + max(plan.residentByteCount, plan.compilingByteCount)
  }
}
