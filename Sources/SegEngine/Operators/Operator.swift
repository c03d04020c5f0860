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
