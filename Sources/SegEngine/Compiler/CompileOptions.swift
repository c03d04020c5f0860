/// Choices that are made when a graph is compiled.
public struct CompileOptions: Sendable {
  /// Whether graphs are rewritten (batch norm folded, activations fused). Off, each operator runs as it was written, which is
  /// slower and what tests compare against.
  public var optimizes: Bool
  /// The convolution algorithm to use wherever it applies, by name; `nil` lets each convolution choose.
  public var convolutionAlgorithm: String?

  /// Makes a set of choices.
  public init(optimizes: Bool = true, convolutionAlgorithm: String? = nil) {
    self.optimizes = optimizes
    self.convolutionAlgorithm = convolutionAlgorithm
  }
}
