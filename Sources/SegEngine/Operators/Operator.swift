/// One kind of computation in a graph, with its attributes.
///
/// An operator's file defines everything about it: its shape rule, its cost, and how it runs. No other code switches over operators. A
/// rewrite asks for one of the capabilities in `Capabilities.swift`.
///
/// Weights are ordinary inputs, in the layout of checkpoints. An operator finds their values in
/// ``PreparationContext/constants`` and repacks them once.
public protocol Operator: Sendable {
  /// The name that reports and error messages use, such as `"Convolution"`.
  static var name: String { get }

  /// The attributes as a short text, such as `"3×3 stride 2"`; empty where there are none.
  var attributes: String { get }

  /// The kind of work, for the coefficients of a ``LatencyModel``: the name, followed by the function or the interpolation where the time
  /// of an element depends on it. Convolutions have the kind of their algorithm instead.
  var latencyKind: String { get }

  /// Returns the output specs for given input specs: the shape rule.
  ///
  /// - Throws: ``ShapeError`` naming the shapes that do not fit.
  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec]

  /// Computes the cost of one run, from the closed formula.
  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost

  /// Chooses how to run for the given shapes, and packs constants.
  func prepare(_ context: PreparationContext) -> PreparedOperator

  /// Returns the inputs, of `count`, whose memory output 0 may overwrite while the operator runs: one of them at a time.
  func overwritableInputs(of count: Int) -> [Int]

  /// Returns the inputs, of `count`, whose memory an output may overwrite. Those of different outputs are different, and all may be
  /// overwritten at once where they are variables that the outputs update.
  func overwritableInputs(ofOutput output: Int, of count: Int) -> [Int]

  /// Returns the input that output 0 equals in memory (for a reshape, an identity, a padding by nothing), or `nil`.
  func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int?

  /// Returns which pixels of an input each output pixel depends on, for receptive fields.
  func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach

  /// Whether outputs, and the inputs that ``takesRowStrides(ofInput:)`` does not exclude, may have row strides that exceed their channels
  /// (``TensorView/rowStride``).
  var takesRowStrides: Bool { get }

  /// Whether an input may have row strides that exceed its channels, as by default all do if ``takesRowStrides``.
  func takesRowStrides(ofInput index: Int) -> Bool
}

extension Operator {
  public var attributes: String { "" }
  public var latencyKind: String { Self.name }
  public func overwritableInputs(of count: Int) -> [Int] { [] }
  public func overwritableInputs(ofOutput output: Int, of count: Int) -> [Int] {
    output == 0 ? overwritableInputs(of: count) : []
  }
  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? { nil }
  public var takesRowStrides: Bool { false }
  public func takesRowStrides(ofInput index: Int) -> Bool { takesRowStrides }

  /// Returns the default: along an axis of equal extents the pixel at the same position; otherwise, and if not a feature map, all pixels.
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    .byExtents(input: inputs[index], output: outputs[0])
  }
}

extension Operator {
  /// The operator's name with its attributes, for reports.
  var title: String { [Self.name, attributes].filter { !$0.isEmpty }.joined(separator: " ") }
}
