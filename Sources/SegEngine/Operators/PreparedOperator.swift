/// An operator ready to run on one set of shapes.
public struct PreparedOperator: Sendable {
  /// Scratch memory it wants, in bytes, 64-byte aligned; its contents are undefined at the start.
  public let workspaceByteCount: Int
  /// How it will run, for reports: the algorithm's name, or empty.
  public let algorithm: String
  /// What it could have run by instead, the chosen one first; empty where there was no choice.
  public let candidates: [AlgorithmCandidate]
  /// What the algorithm asks of the machine, where it says so.
  public internal(set) var work: WorkEstimate?
  /// The constant inputs that are not read while it runs, because what it needs of them is packed.
  public let packedInputs: Set<Int>
  /// Reads the inputs, writes the outputs. Allocates nothing, and may be called from several threads with different contexts.
  ///
  /// Throws for values that the operator is not defined for; what it has written by then counts for nothing.
  public let run: @Sendable (RunContext) throws(RunError) -> Void

  /// Makes a prepared operator.
  public init(
    workspaceByteCount: Int = 0, algorithm: String = "", candidates: [AlgorithmCandidate] = [],
    work: WorkEstimate? = nil, packedInputs: Set<Int> = [],
    run: @escaping @Sendable (RunContext) throws(RunError) -> Void
  ) {
    self.workspaceByteCount = workspaceByteCount
    self.algorithm = algorithm
    self.candidates = candidates
    self.work = work
    self.packedInputs = packedInputs
    self.run = run
  }
}
