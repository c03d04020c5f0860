import SegEngine

extension ONNXImporter {
  /// Binary arithmetic with broadcasting.
  static let arithmeticRules: [String: Rule] = {
    @Sendable func fold(_ operation: BinaryOperation) -> Rule {
      { step in
        guard !step.inputs.isEmpty, step.inputs.indices.allSatisfy(step.isFloat) else { return nil }
        var result = try step.input(0)
        for index in step.inputs.indices.dropFirst() {
          result = try step.combined(operation, result, try step.input(index))
        }
        return [result]
      }
    }
    return [
      "Add": fold(.add), "Sub": fold(.subtract), "Mul": fold(.multiply), "Div": fold(.divide), "Pow": fold(.power),
      "Min": fold(.minimum), "Max": fold(.maximum), "Sum": fold(.add),
      "Mean": { step in
        guard let sum = try fold(.add)(step)?.first, case .flowing(let value, let axes) = sum.content else {
          return nil
        }
        return [ONNXValue(sum.type, value * (1 / Float(step.inputs.count)), axes: axes)]
      },
    ]
  }()
}

extension ONNXStep {
  /// Applies a binary operation with broadcasting.
  func combined(_ operation: BinaryOperation, _ a: ONNXValue, _ b: ONNXValue) throws(ONNXFailure) -> ONNXValue {
    let rank = max(a.rank, b.rank)
    // The result has the memory order of a computed input of full rank. For feature maps an order that differs from the
    // file's is preferred. For token sequences (rank 3) the file's order is, because linear layers need the channels
    // innermost.
    let leading = [a, b].filter { $0.rank == rank && $0.known == nil }
    let asWritten = Array(0..<rank)
    let axes =
      rank == 3 && leading.contains { $0.axes == asWritten }
      ? asWritten : leading.first { $0.axes != asWritten }?.axes ?? asWritten
    let p = importer.arranged(extended(a, to: rank), as: axes)
    let q = importer.arranged(extended(b, to: rank), as: axes)
    return ONNXValue(a.type, p.combine(operation, q, named: node.name), axes: axes)
  }

  /// Returns the value with axes of extent 1 prepended, up to the given rank.
  func extended(_ value: ONNXValue, to rank: Int) -> ONNXValue {
    let missing = rank - value.rank
    guard missing > 0 else { return value }
    switch value.content {
    case .known(let constant):
      let shape = Shape([Int](repeating: 1, count: missing) + constant.shape.dimensions)
      return ONNXValue(ONNXConstant(constant.type, constant.tensor.reshaped(to: shape)))
    case .flowing(let flowing, let axes):
      let shape = [Int](repeating: 1, count: missing) + flowing.shape.dimensions
      let reshaped = flowing.apply(Reshape(to: .dimensions(shape)), named: node.name + ".reshape")
      return ONNXValue(value.type, reshaped, axes: Array(0..<missing) + axes.map { $0 + missing })
    }
  }
}
