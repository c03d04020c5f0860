import SegEngine

/// A training step that is planned and not made.
public struct TrainingPlan: Sendable {
  /// The steps, with their algorithms and memory.
  public let execution: ExecutionPlan
  /// Bytes of the weights, running statistics and the optimiser's variables.
  public let stateByteCount: Int

  /// Bytes in memory while a step runs, without the program: state, arena, inputs and outputs.
  public var residentByteCount: Int { execution.residentByteCount + stateByteCount }
}
