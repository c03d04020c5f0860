import SegEngine

/// What belongs to a training step beside network, loss and optimiser.
public struct TrainingOptions: Sendable {
  /// How batch normalisation works.
  public var batchNorm: BatchNormMode
  /// The largest norm of all gradients together; larger gradients are scaled down. `nil` for no limit.
  public var clipping: Double?
  /// The decay of an exponential moving average of the weights, such as 0.999; `nil` for none.
  public var averaging: Double?
  /// The beginnings of the names of weights that are not updated. Running statistics are.
  public var frozen: [String] = []
  /// The factor d of layer-wise decay of the learning rate: the k-th of n layers with weights has the rate times d^(12 (1 − k/n)), so that a
  /// transformer of twelve blocks has the factor d from block to block (Bao et al. 2022). `nil` for one rate.
  public var layerDecay: Double?
  /// Whether dropout and stochastic depth set elements to zero. The random numbers follow from the seed of ``TrainingState``.
  public var dropout: Bool
  /// The options of the compilation.
  public var compilation: CompileOptions

  /// Makes options.
  ///
  /// - Precondition: a limit is positive; a decay is at least 0 and less than 1.
  public init(
    batchNorm: BatchNormMode = .batchStatistics(momentum: 0.1), clipping: Double? = nil, averaging: Double? = nil,
    dropout: Bool = true, compilation: CompileOptions = .init()
  ) {
    precondition(clipping.map { $0 > 0 } ?? true, "a limit of the gradients' norm is positive: \(clipping ?? 0)")
    precondition(averaging.map { (0..<1).contains($0) } ?? true, "a decay is less than 1: \(averaging ?? 0)")
    self.batchNorm = batchNorm
    self.clipping = clipping
    self.averaging = averaging
    self.dropout = dropout
    self.compilation = compilation
  }
}
