/// Choices that are made when a graph is compiled.
public struct CompileOptions: Sendable {
  /// How each convolution's algorithm is chosen among those that apply.
  public enum AlgorithmChoice: Hashable, Sendable {
    /// By the time that the machine's profile estimates.
    case estimated
    /// By running each that is estimated within a factor of the fastest, on random data; a shape is measured once a process.
    case measured
    /// The one of that name wherever it applies, else as ``estimated``.
    case named(String)
  }

  /// The names of the engine's convolution algorithms.
  public static var algorithmNames: [String] { ConvolutionAlgorithms.all.map(\.name) }

  /// The names that ``AlgorithmChoice/named(_:)`` knows: ``algorithmNames`` and those of ``convolutionAlgorithms``. Compiling throws
  /// ``GraphError/unknownAlgorithm(name:known:)`` for another.
  var knownAlgorithms: [String] { CompileOptions.algorithmNames + convolutionAlgorithms.map(\.name) }

  /// Whether graphs are rewritten (batch norm folded, activations fused). Off, each operator runs as it was written, which is
  /// slower and what tests compare against.
  public var optimizes: Bool
  /// How convolutions choose their algorithms.
  public var algorithmChoice: AlgorithmChoice
  /// Convolution algorithms from outside, which are chosen among like the engine's own. Their names are their own: compiling traps for a
  /// name that another algorithm has.
  public var convolutionAlgorithms: [ConvolutionMethod] = []
  /// How fast the machine is at the work of algorithms.
  public var profile: MachineProfile

  /// Makes a set of choices.
  public init(
    optimizes: Bool = true, algorithmChoice: AlgorithmChoice = .estimated, profile: MachineProfile = .standard
  ) {
    self.optimizes = optimizes
    self.algorithmChoice = algorithmChoice
    self.profile = profile
  }

  /// Makes a set of choices with one convolution algorithm, of ``algorithmNames``, wherever it applies.
  public init(optimizes: Bool = true, convolutionAlgorithm: String) {
    self.init(optimizes: optimizes, algorithmChoice: .named(convolutionAlgorithm))
  }
}
