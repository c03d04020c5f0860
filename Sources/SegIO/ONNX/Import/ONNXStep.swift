import SegEngine

/// One node with its operands, as the rules see it.
struct ONNXStep {
  let importer: ONNXImporter
  let node: ONNXNode
  let inputs: [ONNXValue?]

  var attributes: ONNXAttributes { node.attributes }
  var builder: GraphBuilder { importer.builder }

  /// Types of the operands, for messages.
  var types: String { inputs.map { $0.map { "\($0.type)" } ?? "none" }.joined(separator: ", ") }

  /// An operand that must be there.
  func input(_ index: Int) throws(ONNXFailure) -> ONNXValue {
    guard index < inputs.count, let value = inputs[index] else { throw ONNXFailure("its input \(index) is missing") }
    return value
  }

  /// An operand that may be left out.
  func optional(_ index: Int) -> ONNXValue? { index < inputs.count ? inputs[index] : nil }

  /// The values of an operand that decides on shapes or attributes; `nil` where it is left out.
  func known(_ index: Int, _ what: String) throws(ONNXFailure) -> ONNXConstant? {
    guard let value = optional(index) else { return nil }
    guard let constant = value.known else { throw ONNXFailure("its \(what) is known only when the network runs") }
    return constant
  }

  /// Whether the operand flows in floating point.
  func isFloat(_ index: Int) -> Bool { optional(index)?.type.isFloat ?? false }

  /// An axis of a rank, counted from the front.
  func axis(_ axis: Int, rank: Int) throws(ONNXFailure) -> Int {
    guard axis >= -rank, axis < rank else { throw ONNXFailure("there is no axis \(axis) in rank \(rank)") }
    return axis < 0 ? axis + rank : axis
  }

  /// The operand in an order of axes, its own order where none is given.
  func value(_ index: Int, as axes: [Int]? = nil) throws(ONNXFailure) -> Value {
    importer.arranged(try input(index), as: axes)
  }

  /// The operand as a feature map: batch, spatial axes, channels.
  func map(_ index: Int = 0) throws(ONNXFailure) -> Value {
    let input = try input(index)
    return importer.arranged(input, as: channelsLast(input.rank))
  }

  /// The result of an operator of the engine, under the node's name.
  func apply(_ operator: some Operator, _ first: Value, _ others: [Value] = []) -> Value {
    first.apply(`operator`, named: node.name, with: others)
  }

  /// A result that lies like a feature map.
  func mapResult(_ value: Value, type: ONNXElement? = nil) -> ONNXValue {
    ONNXValue(type ?? inputs[0]?.type ?? .float, value, axes: channelsLast(value.shape.rank))
  }

  /// A number that a file gives, within the bounds in which arithmetic on it cannot overflow.
  func bounded(_ values: [Int], _ what: String, _ range: ClosedRange<Int>) throws(ONNXFailure) -> [Int] {
    guard values.allSatisfy(range.contains) else { throw ONNXFailure("its \(what) \(values) is out of range") }
    return values
  }

  // MARK: The evaluator as an operator

  /// Operands whose values decide the shape of the result, by operator; they must be known.
  private static let shapeOperands: [String: [Int]] = [
    "Reshape": [1], "Expand": [1], "Tile": [1], "ConstantOfShape": [0], "Range": [0, 1, 2], "Slice": [1, 2, 3, 4],
    "Pad": [1, 3], "Resize": [1, 2, 3], "Upsample": [1], "TopK": [1], "OneHot": [1], "Squeeze": [1], "Unsqueeze": [1],
    "Split": [1], "ReduceMean": [1], "ReduceSum": [1], "ReduceMax": [1], "ReduceMin": [1], "ReduceProd": [1],
    "ReduceL1": [1], "ReduceL2": [1], "ReduceLogSum": [1], "ReduceLogSumExp": [1], "ReduceSumSquare": [1],
    "CenterCropPad": [1], "MaxUnpool": [2], "AffineGrid": [1], "Col2Im": [1, 2],
  ]

  /// Operators whose result's shape depends on values.
  private static let dataDependent: Set<String> = ["NonZero", "Compress", "Unique"]

  /// The node computed by the evaluator while the network runs, on the operands as the file means them.
  func onHost() throws -> [ONNXValue] {
    if ONNXStep.dataDependent.contains(node.kind) {
      throw ONNXFailure("the shape of its result is known only when the network runs")
    }
    for index in ONNXStep.shapeOperands[node.kind] ?? [] { _ = try known(index, "operand \(index)") }
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

/// A node that the evaluator computes while the network runs: for operators and element types that the engine has not.
///
/// It is slower than an operator of the engine, and allocates. Where its operands' values make no sense (an index out of range),
/// which no file's shapes can tell beforehand, floating-point results are NaN and integers 0.
struct HostOperator: Operator {
  static let name = "Host"

  enum Operand: Sendable {
    case none
    case known(ONNXConstant)
    /// The operator's operand of that number.
    case flowing(Int, ONNXElement)

    func constant(_ tensors: [Tensor]) -> ONNXConstant? {
      switch self {
      case .none: nil
      case .known(let constant): constant
      case .flowing(let index, let type): ONNXConstant(type, tensors[index])
      }
    }
  }

  let node: ONNXNode
  let operands: [Operand]

  var attributes: String { node.kind }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    do {
      return try HostOperator.results(of: node, operands, for: inputs).map(\.tensor.spec)
    } catch {
      throw ShapeError(HostOperator.name, error.reason)
    }
  }

  /// Results of the right shapes and types, found with operands of zeros, or of ones where something is divided by them.
  static func results(
    of node: ONNXNode, _ operands: [Operand], for specs: [TensorSpec]
  ) throws(ONNXFailure) -> [ONNXConstant] {
    let zeros = specs.map { Tensor(zeros: $0.shape, of: $0.elementType) }
    do {
      return try ONNXEvaluator.evaluate(node, operands.map { $0.constant(zeros) })
    } catch {
      let ones = specs.map { spec in
        switch spec.elementType {
        case .float32: Tensor(spec.shape, repeating: Float(1))
        case .uint8: Tensor(spec.shape, repeating: UInt8(1))
        case .uint16: Tensor(spec.shape, repeating: UInt16(1))
        case .int32: Tensor(spec.shape, repeating: Int32(1))
        case .int64: Tensor(spec.shape, repeating: Int64(1))
        }
      }
      return try ONNXEvaluator.evaluate(node, operands.map { $0.constant(ones) })
    }
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: outputs.reduce(0) { $0 + $1.shape.elementCount }, reading: inputs, writing: outputs)
  }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (node, operands) = (node, operands)
    return PreparedOperator(algorithm: "evaluator") { context in
      let tensors = (0..<context.inputCount).map { index -> Tensor in
        let view = context.input(index)
        var tensor = Tensor(zeros: view.shape, of: view.spec.elementType)
        tensor.withUnsafeMutableBytes { bytes in
          bytes.copyMemory(from: UnsafeRawBufferPointer(start: view.base, count: view.spec.byteCount))
        }
        return tensor
      }
      let results = try? ONNXEvaluator.evaluate(node, operands.map { $0.constant(tensors) })
      for index in 0..<context.outputCount {
        let output = context.output(index)
        if let results, results[index].tensor.spec == output.spec {
          results[index].tensor.withUnsafeBytes {
            output.base.copyMemory(from: $0.baseAddress!, byteCount: output.spec.byteCount)
          }
        } else if output.spec.elementType == .float32 {
          output.floats.update(repeating: .nan, count: output.shape.elementCount)
        } else {
          output.base.initializeMemory(as: UInt8.self, repeating: 0, count: output.spec.byteCount)
        }
      }
    }
  }
}
