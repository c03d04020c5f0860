import SegEngine

/// Rules that are built on other operators.
extension ONNXStep {
  /// Returns a step of another operator that stands for this one: it has its name and its first output.
  func derived(
    _ kind: String, _ inputs: [ONNXValue?], opset: Int? = nil, attributes: [String: ONNXAttributes.Value]? = nil
  ) -> ONNXStep {
    let node = node.part(
      kind, named: node.name, isPresent: inputs.map { $0 != nil }, outputs: [node.outputs.first ?? ""],
      opset: opset ?? 22, attributes ?? node.attributes.values)
    return ONNXStep(importer: importer, node: node, inputs: inputs)
  }

  /// Applies the rule of another operator.
  func applying(
    _ kind: String, _ inputs: [ONNXValue?], opset: Int? = nil, attributes: [String: ONNXAttributes.Value]? = nil
  ) throws -> ONNXValue {
    let step = derived(kind, inputs, opset: opset, attributes: attributes)
    guard let result = try ONNXImporter.rules[kind]?(step)?.first else {
      throw ONNXFailure("is not supported for operands of type \(types) and these attributes")
    }
    return result
  }

  /// Returns the result of another operator on constants.
  func computed(
    _ kind: String, _ operands: [ONNXConstant], _ attributes: [String: ONNXAttributes.Value] = [:]
  ) throws(ONNXFailure) -> ONNXConstant {
    try ONNXEvaluator.evaluate(evaluatedPart(kind, operands.count, attributes), operands)[0]
  }

  /// Adds another operator that the evaluator computes when the network runs. If all operands are constant, so is the
  /// result.
  func evaluated(
    _ kind: String, _ operands: [ONNXValue], _ attributes: [String: ONNXAttributes.Value] = [:]
  ) throws -> ONNXValue {
    let constants = operands.compactMap(\.known)
    if constants.count == operands.count { return ONNXValue(try computed(kind, constants, attributes)) }
    let part = evaluatedPart(kind, operands.count, attributes)
    return try ONNXStep(importer: importer, node: part, inputs: operands).onHost()[0]
  }

  private func evaluatedPart(_ kind: String, _ count: Int, _ attributes: [String: ONNXAttributes.Value]) -> ONNXNode {
    node.part(kind, isPresent: [Bool](repeating: true, count: count), opset: max(node.opset, 13), attributes)
  }

  /// Returns a floating-point constant.
  func number(_ value: Float) -> ONNXValue { ONNXValue(ONNXConstant(.float, [], floats: [value])) }

  /// Returns a value with another shape of as many elements. Constants stay constants.
  func shaped(_ value: ONNXValue, _ extents: [Int]) throws -> ONNXValue {
    guard let known = value.known else { return try reshaped(value, to: extents) }
    guard known.shape.elementCount == extents.reduce(1, *) else {
      throw ONNXFailure("\(value.dimensions) cannot be seen as \(extents)")
    }
    return ONNXValue(ONNXConstant(known.type, known.tensor.reshaped(to: Shape(extents))))
  }
}

extension ONNXNode {
  /// Returns a node of another operator that computes a part of this one. Its inputs have names of their own, so that no
  /// value of the file is taken for them.
  ///
  /// - Parameters:
  ///   - name: The name; by default this node's with the operator type.
  ///   - isPresent: For each input whether it is there.
  ///   - outputs: The names of the outputs; by default of one.
  func part(
    _ kind: String, named name: String? = nil, isPresent: [Bool], outputs: [String]? = nil, opset: Int,
    _ attributes: [String: ONNXAttributes.Value]
  ) -> ONNXNode {
    let own = "\(self.name).\(kind.lowercased())"
    return ONNXNode(
      name: name ?? own, kind: kind, domain: "", opset: opset,
      inputs: isPresent.enumerated().map { $1 ? "\(own) operand \($0)" : "" }, outputs: outputs ?? [own + " result"],
      attributes: ONNXAttributes(attributes))
  }
}
