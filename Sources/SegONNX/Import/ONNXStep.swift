import SegEngine

/// A node with its inputs, as a rule sees it.
struct ONNXStep {
  let importer: ONNXImporter
  let node: ONNXNode
  let inputs: [ONNXValue?]

  var attributes: ONNXAttributes { node.attributes }
  var builder: GraphBuilder { importer.builder }

  /// The element types of the inputs, for error messages.
  var types: String { inputs.map { $0.map { "\($0.type)" } ?? "none" }.joined(separator: ", ") }

  /// Returns a required input.
  func input(_ index: Int) throws(ONNXFailure) -> ONNXValue {
    guard index < inputs.count, let value = inputs[index] else { throw ONNXFailure("its input \(index) is missing") }
    return value
  }

  /// Returns an optional input; `nil` if it is omitted.
  func optional(_ index: Int) -> ONNXValue? { index < inputs.count ? inputs[index] : nil }

  /// Returns an input that must be constant because shapes or attributes depend on it; `nil` if it is omitted.
  func known(_ index: Int, _ what: String) throws(ONNXFailure) -> ONNXConstant? {
    guard let value = optional(index) else { return nil }
    if let constant = value.known { return constant }
    if let constant = try importer.look(at: node.inputs[index]) { return constant }
    throw ONNXFailure(
      "its input \(what) is known only when the network runs", waitingFor: .values([node.inputs[index]]))
  }

  /// Returns whether an input is present and has a floating-point type.
  func isFloat(_ index: Int) -> Bool { optional(index)?.type.isFloat ?? false }

  /// Returns the index of an axis; negative numbers count from the last axis.
  func axis(_ axis: Int, rank: Int) throws(ONNXFailure) -> Int {
    try ONNXNode.axis(axis, of: rank)
  }

  /// Returns an input with the given axis order in memory, by default the file's.
  func value(_ index: Int, as axes: [Int]? = nil) throws(ONNXFailure) -> Value {
    importer.arranged(try input(index), as: axes)
  }

  /// Returns an input as a feature map `[batch, spatial axes…, channels]`.
  func map(_ index: Int = 0) throws(ONNXFailure) -> Value {
    let input = try input(index)
    return importer.arranged(input, as: channelsLast(input.rank))
  }

  /// Applies an operator of the engine under the node's name.
  func apply(_ operator: some Operator, _ first: Value, _ others: [Value] = []) -> Value {
    first.apply(`operator`, named: node.name, with: others)
  }

  /// Returns a result stored as a feature map `[batch, spatial axes…, channels]`; in the file's order its channels are
  /// axis 1.
  func mapResult(_ value: Value, type: ONNXElement? = nil) -> ONNXValue {
    ONNXValue(type ?? inputs[0]?.type ?? .float, value, axes: channelsLast(value.shape.rank))
  }

  /// Returns numbers from the file, after checking that they are in a range in which arithmetic cannot overflow.
  func bounded(_ values: [Int], _ what: String, _ range: ClosedRange<Int>) throws(ONNXFailure) -> [Int] {
    guard values.allSatisfy(range.contains) else { throw ONNXFailure("its \(what) \(values) is out of range") }
    return values
  }

  // MARK: The evaluator as an operator

  /// The inputs that determine the shape of the result, by operator type. They must be constant.
  private static let shapeOperands: [String: [Int]] = [
    "Reshape": [1], "Expand": [1], "Tile": [1], "ConstantOfShape": [0], "Range": [0, 1, 2], "Slice": [1, 2, 3, 4],
    "Pad": [1, 3], "Resize": [1, 2, 3], "Upsample": [1], "TopK": [1], "OneHot": [1], "Squeeze": [1], "Unsqueeze": [1],
    "Split": [1], "ReduceMean": [1], "ReduceSum": [1], "ReduceMax": [1], "ReduceMin": [1], "ReduceProd": [1],
    "ReduceL1": [1], "ReduceL2": [1], "ReduceLogSum": [1], "ReduceLogSumExp": [1], "ReduceSumSquare": [1],
    "CenterCropPad": [1], "MaxUnpool": [2], "AffineGrid": [1], "Col2Im": [1, 2],
  ]

  /// The operators whose output shapes depend on the values of their inputs.
  private static let dataDependent: Set<String> = ["NonZero", "Compress", "Unique", "NonMaxSuppression"]

  /// Adds a ``HostOperator``, which evaluates the node when the network runs, with its inputs in the file's axis order.
  func onHost() throws -> [ONNXValue] {
    if ONNXStep.dataDependent.contains(node.kind) {
      throw ONNXFailure("the shape of its result is known only when the network runs", waitingFor: .evaluation)
    }
    var inputs = inputs
    for index in ONNXStep.shapeOperands[node.kind] ?? [] {
      if let constant = try known(index, "\(index)") { inputs[index] = ONNXValue(constant) }
    }
    var flowing: [Value] = []
    let operands = inputs.map { input -> HostOperator.Operand in
      guard let input else { return .none }
      if let constant = input.known { return .known(constant) }
      flowing.append(importer.arranged(input))
      return .flowing(flowing.count - 1, input.type)
    }
    let results = try HostOperator.results(
      of: node, operands, for: flowing.map { TensorSpec($0.shape, $0.elementType) })
    let host = HostOperator(node: node, operands: operands)
    let values = builder.add(host, named: node.name, to: flowing, outputCount: results.count)
    return zip(values, results).map { ONNXValue($1.type, $0) }
  }
}
