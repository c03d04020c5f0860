import SegEngine

/// Property inference for nodes that the evaluator runs: integer arithmetic, comparisons, selection and quantisation.
extension HostOperator: PropertyInferring {
  func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let call = Call(node: node, operands: operands, inputs: inputs, outputs: outputs)
    var results = call.properties() ?? outputs.map(ValueProperties.unknown)
    for (index, spec) in outputs.enumerated() {
      if results.count <= index { results.append(.unknown(spec)) }
      if results[index].axes.count != spec.shape.rank {
        results[index].axes = .following(inputs, to: spec, broadcasting: true)
      }
      results[index].isInteger = results[index].isInteger || spec.elementType != .float32
    }
    return results
  }

  /// Returns the range of an integer type; `nil` for other types.
  private static func range(of type: ONNXElement) -> ValueRange? {
    guard let (bits, isSigned) = type.integerFormat else { return nil }
    let count = Double(sign: .plus, exponent: bits, significand: 1)
    return isSigned ? ValueRange(-count / 2, count / 2 - 1) : ValueRange(0, count - 1)
  }

  private struct Call {
    let node: ONNXNode
    let operands: [Operand]
    let inputs: [OperandProperties]
    let outputs: [TensorSpec]

    /// Returns the proven properties of an input of the node.
    func operand(_ index: Int) -> ValueProperties? {
      guard index < operands.count else { return nil }
      switch operands[index] {
      case .none: return nil
      case .known(let constant): return ValueProperties(constant.tensor)
      case .flowing(let place, let type):
        var properties = inputs[place].properties
        if let held = HostOperator.range(of: type) {
          properties.isInteger = true
          properties.range = properties.range.intersection(held)
        } else if type == .bool {
          properties = .answers(axes: properties.axes)
        }
        return properties
      }
    }

    func properties() -> [ValueProperties]? {
      switch node.kind {
      case "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf":
        return [.answers(axes: [])]
      case "Cast", "CastLike": return operand(0).map { [cast($0)] }
      case "Where":
        guard let a = operand(1), let b = operand(2) else { return nil }
        var result = a.joined(with: b)
        // Where with two constants is a choice between categories.
        if result.levels != nil, case .flowing? = operands.first { result.isCategorical = result.isInteger }
        result.axes = []
        return [result]
      case "Floor": return operand(0).map { [$0.rounded(.down)] }
      case "Ceil": return operand(0).map { [$0.rounded(.up)] }
      case "Round": return operand(0).map { [$0.rounded(.toNearestOrEven)] }
      case "Sign":
        return operand(0).map { x in
          var y = ValueProperties(range: ValueRange(-1, 1), isInteger: true, isCategorical: true, axes: x.axes)
          if x.range.lowest >= 0 { (y.range, y.levels) = (.unit, [0, 1]) }
          return [y]
        }
      case "QuantizeLinear": return quantized().map { [$0] }
      case "DequantizeLinear": return dequantized().map { [$0] }
      case "ArgMax", "ArgMin":
        guard let x = inputs.first?.spec.shape, let axis = x.normalizedAxis((try? node.attributes.int("axis")) ?? 0)
        else {
          return nil
        }
        var axes = inputs[0].axes
        if outputs[0].shape.rank == x.rank { axes[axis] = .unknown } else { axes.remove(at: axis) }
        return [.index(below: x[axis], axes: axes)]
      case "TopK":
        guard let x = operand(0), let shape = inputs.first?.spec.shape,
          let axis = shape.normalizedAxis((try? node.attributes.int("axis")) ?? -1)
        else { return nil }
        return [some(of: x), .index(below: shape[axis], axes: x.axes)]
      case "Hardmax":
        var y = ValueProperties(range: .unit, isInteger: true, isCategorical: true, levels: [0, 1], axes: [])
        y.unitSumAxis = outputs[0].shape.normalizedAxis((try? node.attributes.int("axis")) ?? -1)
        return [y]
      case "OneHot":
        guard var y = operand(2) else { return nil }
        // The new axis is not one of the image's; the others are those of the indices.
        let axis = outputs[0].shape.normalizedAxis((try? node.attributes.int("axis")) ?? -1)
        y.axes = inputs.first?.axes ?? []
        if let axis, axis <= y.axes.count { y.axes.insert(.unknown, at: axis) }
        y.isCategorical = true
        if y.levels == [0, 1] { y.unitSumAxis = axis }
        return [y]
      case "Squeeze", "Unsqueeze", "Reshape", "Flatten":
        guard let x = operand(0), let from = inputs.first?.spec.shape, from.rank == x.axes.count else { return nil }
        var y = some(of: x)
        y.axes = x.axes.reshaped(from: from, to: outputs[0].shape)
        return [y]
      case "Transpose":
        guard let x = operand(0) else { return nil }
        let order = (try? node.attributes.ints("perm")) ?? Array(x.axes.indices.reversed())
        guard order.sorted() == Array(x.axes.indices) else { return nil }
        var y = some(of: x)
        y.axes = order.map { x.axes[$0] }
        return [y]
      case "Identity", "Dropout", "Slice", "Gather",
        "GatherElements", "GatherND", "Expand", "Tile", "Split", "MaxPool", "GlobalMaxPool", "ReduceMax", "ReduceMin",
        "ReverseSequence", "CenterCropPad", "Compress":
        return operand(0).map { x in outputs.map { _ in some(of: x) } }
      case "Resize", "Upsample":
        let isNearest = (try? node.attributes.string("mode", default: "nearest")) == "nearest"
        return operand(0).map { x in
          [isNearest ? some(of: x) : ValueProperties(range: x.range, axes: x.axes)]
        }
      case "GridSample":
        let isNearest = (try? node.attributes.string("mode", default: "linear")) == "nearest"
        let hasZeros = (try? node.attributes.string("padding_mode", default: "zeros")) == "zeros"
        return operand(0).map { x in
          let range = hasZeros ? x.range.hull(ValueRange(0)) : x.range
          return [ValueProperties(range: range, isInteger: isNearest && x.isInteger, axes: x.axes)]
        }
      case "ReduceMean", "AveragePool", "GlobalAveragePool":
        return operand(0).map { [ValueProperties(range: $0.range, axes: [])] }
      case "Concat":
        let parts = operands.indices.compactMap(operand)
        guard let first = parts.first, parts.count == operands.count else { return nil }
        var result = parts.dropFirst().reduce(first) { $0.joined(with: $1) }
        result.axes = []
        return [result]
      case "Add": return arithmetic(.add)
      case "Sub": return arithmetic(.subtract)
      case "Mul": return arithmetic(.multiply)
      case "Max": return arithmetic(.maximum)
      case "Min": return arithmetic(.minimum)
      case "Clip":
        guard let x = operand(0) else { return nil }
        let (low, high) = (operand(1)?.range.lowest ?? -.infinity, operand(2)?.range.highest ?? .infinity)
        var y = x
        y.range = x.range.growing { min(max($0, low), high) }
        y.levels = x.levels.flatMap { ValueProperties.few($0.map { min(max($0, low), high) }) }
        (y.unitSumAxis, y.relation) = (nil, nil)
        return [y]
      case "HardSigmoid", "Sigmoid", "Softmax": return [.init(range: .unit, axes: [])]
      case "Tanh", "Softsign", "Sin", "Cos", "Erf": return [.init(range: ValueRange(-1, 1), axes: [])]
      default: return nil
      }
    }

    /// Returns the properties of a value whose elements are elements of `x` at any position.
    private func some(of x: ValueProperties) -> ValueProperties {
      var y = x
      (y.unitSumAxis, y.relation, y.axes) = (nil, nil, [])
      return y
    }

    /// Returns the properties of an arithmetic operation on two inputs.
    private func arithmetic(_ operation: BinaryOperation) -> [ValueProperties]? {
      let specs = operands.indices.compactMap { index -> OperandProperties? in
        guard let properties = operand(index) else { return nil }
        if case .flowing(let place, _) = operands[index] {
          return OperandProperties(TensorSpec(inputs[place].spec.shape), properties)
        }
        return OperandProperties(TensorSpec(Shape(Array(repeating: 1, count: properties.axes.count))), properties)
      }
      guard specs.count == 2, operands.count == 2 else { return nil }
      var result = Binary(operation).properties(of: specs, outputs: [TensorSpec(outputs[0].shape)])[0]
      result.axes = []
      return [result]
    }

    /// Returns the properties of Cast and CastLike.
    private func cast(_ x: ValueProperties) -> ValueProperties {
      let type =
        node.kind == "Cast"
        ? ONNXElement(rawValue: Int32(clamping: (try? node.attributes.int("to")) ?? 0)) : nil
      if type == .bool {
        var y = ValueProperties.answers(axes: x.axes)
        if x.range.lowest > 0 { y.levels = [1] }
        return y
      }
      if type?.isFloat ?? (outputs[0].elementType == .float32) {
        // Conversion to a floating-point type keeps categories.
        return x
      }
      var y = x.isInteger ? x : x.rounded(.towardZero)
      // A number outside the range of the type wraps.
      if let held = type.flatMap(HostOperator.range) {
        if !x.range.isWithin(held, slack: 1) {
          (y.range, y.levels) = (held, nil)
        } else {
          y.range = y.range.intersection(held)
        }
      }
      return y
    }

    /// Returns the properties of QuantizeLinear: round(x / scale) + zero point, saturated to the type's range.
    private func quantized() -> ValueProperties? {
      guard let x = operand(0), let scale = operand(1)?.range, scale.lowest > 0 else { return nil }
      let zero = operand(2)?.range ?? ValueRange(0)
      var type = ONNXElement.uint8
      if operands.count > 2 {
        switch operands[2] {
        case .none: break
        case .known(let point): type = point.type
        case .flowing(_, let pointType): type = pointType
        }
      }
      guard let held = HostOperator.range(of: type) else { return nil }
      var y = ValueProperties(range: (x.range * scale.reciprocal).growing { $0.rounded() } + zero, axes: x.axes)
      y.range = y.range.growing { min(max($0, held.lowest), held.highest) }
      y.isInteger = true
      y.unitSumAxis = x.unitSumAxis
      return y
    }

    /// Returns the properties of DequantizeLinear: (x − zero point) · scale.
    private func dequantized() -> ValueProperties? {
      guard let x = operand(0), let scale = operand(1)?.range else { return nil }
      var y = ValueProperties(range: (x.range - (operand(2)?.range ?? ValueRange(0))) * scale, axes: x.axes)
      y.unitSumAxis = x.unitSumAxis
      return y
    }
  }
}
