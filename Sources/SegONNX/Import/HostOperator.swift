import SegEngine

/// An operator that runs a node with ``ONNXEvaluator``, for operators and element types that the engine does not
/// support.
///
/// It is slower than an operator of the engine, and allocates memory. A run throws if the values of inputs are invalid,
/// such as an index out of range, which cannot be detected during import.
struct HostOperator: Operator {
  static let name = "Host"

  /// An input of the node.
  enum Operand: Sendable {
    /// An omitted optional input.
    case none
    /// A constant.
    case known(ONNXConstant)
    /// The input of this operator with the index, and its ONNX element type.
    case flowing(Int, ONNXElement)

    /// Returns the input's value; `tensors` are the inputs of this operator.
    func constant(_ tensors: [Tensor]) -> ONNXConstant? {
      switch self {
      case .none: nil
      case .known(let constant): constant
      case .flowing(let index, let type): ONNXConstant(type, tensors[index])
      }
    }
  }

  /// The node.
  let node: ONNXNode
  /// The inputs of the node.
  let operands: [Operand]

  var attributes: String { node.kind }
  var latencyKind: String { "\(Self.name) \(node.kind)" }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    do {
      return try HostOperator.results(of: node, operands, for: inputs).map {
        TensorSpec($0.shape, $0.type.elementType)
      }
    } catch {
      throw ShapeError(HostOperator.name, error.reason)
    }
  }

  /// Returns the types and shapes of the outputs.
  ///
  /// Operators without a rule of ``HostShapes`` are evaluated with zeros, or with ones if zeros are invalid, for instance
  /// as divisors.
  static func results(
    of node: ONNXNode, _ operands: [Operand], for specs: [TensorSpec]
  ) throws(ONNXFailure) -> [HostShapes.Result] {
    let described = operands.map { operand -> HostShapes.Operand? in
      switch operand {
      case .none: nil
      case .known(let constant): .init(type: constant.type, shape: constant.shape, known: constant)
      case .flowing(let index, let type): .init(type: type, shape: specs[index].shape)
      }
    }
    if let results = try HostShapes(node, described).results() { return results }
    return try evaluated(node, operands, for: specs).map { ($0.type, $0.shape) }
  }

  private static func evaluated(
    _ node: ONNXNode, _ operands: [Operand], for specs: [TensorSpec]
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
    return PreparedOperator(algorithm: "evaluator") { context throws(RunError) in
      let tensors = (0..<context.inputCount).map { index -> Tensor in
        let view = context.input(index)
        var tensor = Tensor(zeros: view.shape, of: view.spec.elementType)
        tensor.withUnsafeMutableBytes { bytes in
          bytes.copyMemory(from: UnsafeRawBufferPointer(start: view.base, count: view.spec.byteCount))
        }
        return tensor
      }
      let results: [ONNXConstant]
      do throws(ONNXFailure) {
        results = try ONNXEvaluator.evaluate(node, operands.map { $0.constant(tensors) })
      } catch {
        throw RunError(node.kind, error.reason)
      }
      for index in 0..<context.outputCount {
        let (output, result) = (context.output(index), results[index].tensor)
        guard result.spec == output.spec else {
          throw RunError(node.kind, "its result \(index) is \(result.spec), not \(output.spec) as for other values")
        }
        result.withUnsafeBytes {
          output.base.copyMemory(from: $0.baseAddress!, byteCount: output.spec.byteCount)
        }
      }
    }
  }
}
