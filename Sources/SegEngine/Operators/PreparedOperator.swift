/// An operator that is prepared to run on one set of shapes.
public struct PreparedOperator: Sendable {
  /// Size of the scratch memory in bytes. The memory is 64-byte aligned; its contents are undefined when a run begins.
  public let workspaceByteCount: Int
  /// The name of the algorithm for reports, or empty.
  public let algorithm: String
  /// The algorithms that apply, the chosen one first; empty if there was no choice.
  public let candidates: [AlgorithmCandidate]
  /// The work of the algorithm, if known.
  public internal(set) var work: WorkEstimate?
  /// The constant inputs that are not read at run time, because they are packed.
  public let packedInputs: Set<Int>
  /// Reads the inputs and writes the outputs. It allocates nothing, and may be called from several threads with different contexts.
  ///
  /// Throws for values for which the operator is not defined. The outputs are then undefined.
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
