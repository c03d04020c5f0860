/// The options of a compilation.
public struct CompileOptions: Sendable {
  /// The method of choosing each convolution's algorithm among those that apply.
  public enum AlgorithmChoice: Hashable, Sendable {
    /// By the time that the machine profile estimates.
    case estimated
    /// By measuring those that are estimated within a factor of the fastest, on random data. A shape is measured once per process.
    case measured
    /// The named algorithm wherever it applies, else as ``estimated``.
    case named(String)
  }

  /// The names of the engine's convolution algorithms.
  public static var algorithmNames: [String] { ConvolutionAlgorithms.all.map(\.name) }

  /// The names of the engine's algorithms for gradients of a convolution's weights.
  public static var weightGradientAlgorithmNames: [String] { WeightGradientAlgorithms.all.map(\.name) }

  /// The names of the engine's convolution algorithms that multiply in bfloat16. They are candidates only if ``precision``
  /// is ``ProductPrecision/bfloat16``.
  public static var bfloat16AlgorithmNames: [String] { ConvolutionAlgorithms.bfloat16.map(\.name) }

  /// The names that ``AlgorithmChoice/named(_:)`` accepts: ``algorithmNames``, ``bfloat16AlgorithmNames``,
  /// ``weightGradientAlgorithmNames`` and those of ``convolutionAlgorithms``. For others, compiling throws
  /// ``GraphError/unknownAlgorithm(name:known:)``.
  var knownAlgorithms: [String] {
    CompileOptions.algorithmNames + CompileOptions.bfloat16AlgorithmNames + CompileOptions.weightGradientAlgorithmNames
      + convolutionAlgorithms.map(\.name)
  }

  /// Whether graphs are rewritten (batch norm folded, activations fused). If not, each operator runs as written, which is slower; tests
  /// compare with it.
  public var optimizes: Bool
  /// The method of choosing convolution algorithms.
  public var algorithmChoice: AlgorithmChoice
  /// The user's convolution algorithms, which are candidates like the engine's own. Names must be unique: compiling traps for a duplicate.
  public var convolutionAlgorithms: [ConvolutionMethod] = []
  /// The number format of the factors of convolutions' products.
  public var precision = ProductPrecision.float32
  /// The machine profile, for estimating times of algorithms.
  public var profile: MachineProfile

  /// Makes options.
  public init(
    optimizes: Bool = true, algorithmChoice: AlgorithmChoice = .estimated, profile: MachineProfile = .standard
  ) {
    self.optimizes = optimizes
    self.algorithmChoice = algorithmChoice
    self.profile = profile
  }

  /// Makes options with one convolution algorithm, of ``algorithmNames``, wherever it applies.
  public init(optimizes: Bool = true, convolutionAlgorithm: String) {
    self.init(optimizes: optimizes, algorithmChoice: .named(convolutionAlgorithm))
  }
}
