import SegEngine

/// What belongs to a training step beside network, loss and optimiser.
public struct TrainingOptions: Sendable {
  /// How batch normalisation works.
  public var batchNorm: BatchNormMode
  /// The largest norm of all gradients together; larger gradients are scaled down. `nil` for no limit.
  public var clipping: Double?
  /// The decay of an exponential moving average of the weights, such as 0.999; `nil` for none.
  public var averaging: Double?
  /// The memory of a step.
  public var memory: Memory
  /// Whether dropout and stochastic depth set elements to zero. The random numbers follow from the seed of ``TrainingState``.
  public var dropout: Bool
  /// The options of the compilation.
  public var compilation: CompileOptions

  /// The memory for the maps of a step.
  public enum Memory: Sendable, Hashable {
    /// Every map that the gradients read is kept.
    case unlimited
    /// The backward pass computes as many maps again as the number of bytes asks for, those first that free the most bytes for each
    /// second (Chen et al. 2016). Weights, the optimiser's variables and scratch memory are not part of it. A budget that cannot be kept gives
    /// the smallest step that was found.
    case budget(Int)
  }

  /// Makes options.
  ///
  /// - Precondition: a limit is positive; a decay is at least 0 and less than 1.
  public init(
    batchNorm: BatchNormMode = .batchStatistics(momentum: 0.1), clipping: Double? = nil, averaging: Double? = nil,
    memory: Memory = .unlimited, dropout: Bool = true, compilation: CompileOptions = .init()
  ) {
    precondition(clipping.map { $0 > 0 } ?? true, "a limit of the gradients' norm is positive: \(clipping ?? 0)")
    precondition(averaging.map { (0..<1).contains($0) } ?? true, "a decay is less than 1: \(averaging ?? 0)")
    self.batchNorm = batchNorm
    self.clipping = clipping
    self.averaging = averaging
    self.memory = memory
    self.dropout = dropout
    self.compilation = compilation
  }
}
