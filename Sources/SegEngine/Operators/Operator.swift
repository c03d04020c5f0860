/// One kind of computation in a graph, with its attributes.
///
/// An operator says everything about itself in its own file: the shapes it takes and gives, what it costs, how it runs. Nobody
/// else switches over operators; a pass that rewrites graphs asks for one of the capabilities in `Capabilities.swift`.
///
/// Weights are ordinary inputs, in the layout of checkpoints; an operator finds their values in
/// ``PreparationContext/constants`` and repacks them once.
public protocol Operator: Sendable {
  /// The name that reports and error messages use, such as `"Convolution"`.
  static var name: String { get }

  /// The attributes in a few words, such as `"3×3 stride 2"`; empty where there are none.
  var attributes: String { get }

  /// The shape rule: what comes out for what goes in.
  ///
  /// - Throws: ``ShapeError`` naming the shapes that do not fit.
  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec]

  /// What one run costs, from the closed formula.
  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost

  /// Chooses how to run for the given shapes and packs what is constant.
  func prepare(_ context: PreparationContext) -> PreparedOperator

  /// Those of `count` inputs that output 0 may overwrite in memory while the operator runs: one of them at a time.
  func overwritableInputs(of count: Int) -> [Int]

  /// The input that output 0 is, unchanged in memory (a reshape, an identity, a padding by nothing), where there is one.
  func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int?

  /// Which pixels of an input each pixel of the outputs is computed from, for receptive fields.
  func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach

  /// Whether every input and output may have rows further apart than their extent (``TensorView/rowStride``).
  var takesRowStrides: Bool { get }
}

extension Operator {
  public var attributes: String { "" }
  public func overwritableInputs(of count: Int) -> [Int] { [] }
  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? { nil }
  public var takesRowStrides: Bool { false }

  /// Along an axis whose extents are equal the pixel at the same place; else, and for what is no feature map, everything.
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    .byExtents(input: inputs[index], output: outputs[0])
  }
}

extension Operator {
  /// The operator's name with its attributes, for reports.
  var title: String { [Self.name, attributes].filter { !$0.isEmpty }.joined(separator: " ") }
}

/// What an operator is told when it is prepared for given shapes.
public struct PreparationContext {
  /// Shapes and types of the inputs.
  public let inputs: [TensorSpec]
  /// Shapes and types of the outputs.
  public let outputs: [TensorSpec]
  /// The values of those inputs that are the same in every run: weights and constants.
  public let constants: [Tensor?]
  /// The arithmetic to run on.
  public let backend: any Backend
  /// Packed weights that several compilations of the same network share.
  let packedWeights: PackedWeights?
  /// The node's name, which is the key of what it shares.
  let nodeName: String
  /// The choices of the compilation.
  let options: CompileOptions

  /// Makes a context for preparing an operator by itself.
  public init(inputs: [TensorSpec], outputs: [TensorSpec], constants: [Tensor?], backend: any Backend) {
    self.init(
      inputs: inputs, outputs: outputs, constants: constants, backend: backend, packedWeights: nil, nodeName: "",
      options: .init())
  }

  init(
    inputs: [TensorSpec], outputs: [TensorSpec], constants: [Tensor?], backend: any Backend,
    packedWeights: PackedWeights?, nodeName: String, options: CompileOptions
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.constants = constants
    self.backend = backend
    self.packedWeights = packedWeights
    self.nodeName = nodeName
    self.options = options
  }

  /// `count` floats that `pack` writes, once for all compilations of this network: `key` names the form of packing, which must not depend
  /// on the shapes of the feature maps. Where the compilation is only planned nothing is packed, and the tensor is empty.
  public func packed(_ key: String, count: Int, _ pack: (UnsafeMutablePointer<Float>) -> Void) -> Tensor {
    func make() -> Tensor {
      var packed = Tensor(uninitialized: [count])
      packed.withUnsafeMutableElements { pack($0.baseAddress!) }
      return packed
    }
    return packedWeights?.tensor(for: nodeName + "/" + key, byteCount: 4 * count, make) ?? make()
  }
}

/// An operator ready to run on one set of shapes.
public struct PreparedOperator: Sendable {
  /// Scratch memory it wants, in bytes, 64-byte aligned; its contents are undefined at the start.
  public let workspaceByteCount: Int
  /// How it will run, for reports: the algorithm's name, or empty.
  public let algorithm: String
  /// What it could have run by instead, the chosen one first; empty where there was no choice.
  public let candidates: [AlgorithmCandidate]
  /// What the algorithm asks of the machine, where it says so.
  public internal(set) var demand: AlgorithmDemand?
  /// The constant inputs that are not read while it runs, because what it needs of them is packed.
  public let packedInputs: Set<Int>
  /// Reads the inputs, writes the outputs. Allocates nothing, and may be called from several threads with different contexts.
  ///
  /// Throws for values that the operator is not defined for; what it has written by then counts for nothing.
  public let run: @Sendable (RunContext) throws(RunError) -> Void

  /// Makes a prepared operator.
  public init(
    workspaceByteCount: Int = 0, algorithm: String = "", candidates: [AlgorithmCandidate] = [],
    demand: AlgorithmDemand? = nil, packedInputs: Set<Int> = [],
    run: @escaping @Sendable (RunContext) throws(RunError) -> Void
  ) {
    self.workspaceByteCount = workspaceByteCount
    self.algorithm = algorithm
    self.candidates = candidates
    self.demand = demand
    self.packedInputs = packedInputs
    self.run = run
  }
}

/// The memory of one run of one operator.
public struct RunContext {
  /// The arithmetic to run on.
  public let backend: any Backend
  /// Scratch memory of the size that was asked for.
  public let workspace: UnsafeMutableRawPointer
  private let step: Step
  private let addresses: UnsafePointer<UnsafeMutableRawPointer>

  init(
    backend: any Backend, workspace: UnsafeMutableRawPointer, step: Step,
    addresses: UnsafePointer<UnsafeMutableRawPointer>
  ) {
    self.backend = backend
    self.workspace = workspace
    self.step = step
    self.addresses = addresses
  }

  /// The memory of an input.
  public func input(_ index: Int) -> TensorView {
    let operand = step.inputs[index]
    return TensorView(
      base: addresses[operand.buffer] + operand.byteOffset, spec: operand.spec, rowStride: operand.rowStride)
  }

  /// The memory of an output.
  public func output(_ index: Int = 0) -> MutableTensorView {
    let operand = step.outputs[index]
    return MutableTensorView(
      base: addresses[operand.buffer] + operand.byteOffset, spec: operand.spec, rowStride: operand.rowStride)
  }

  /// How many inputs there are.
  public var inputCount: Int { step.inputs.count }

  /// How many outputs there are.
  public var outputCount: Int { step.outputs.count }

  /// Scratch memory as floats.
  public var scratch: UnsafeMutablePointer<Float> { workspace.assumingMemoryBound(to: Float.self) }
}
