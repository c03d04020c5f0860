/// An operator ready to run on one set of shapes.
public struct PreparedOperator: Sendable {
  /// Size of its scratch memory in bytes. The memory is 64-byte aligned, and its contents are undefined when a run begins.
  public let workspaceByteCount: Int
  /// The name of its algorithm for reports, or empty.
  public let algorithm: String
  /// The algorithms that apply, the chosen one first; empty where there was no choice.
  public let candidates: [AlgorithmCandidate]
  /// The work of the algorithm, where it is known.
  public internal(set) var work: WorkEstimate?
  /// The constant inputs that it does not read while it runs, because it has packed them.
  public let packedInputs: Set<Int>
  /// Reads the inputs, writes the outputs. Allocates nothing, and may be called from several threads with different contexts.
  ///
  /// Throws for values that the operator is not defined for. The outputs are then undefined.
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
