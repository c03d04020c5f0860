extension Graph {
  /// The proven properties of each value, by index, for the shapes the graph was built with.
  ///
  /// - Parameter inputs: The known properties of inputs, by name. Nothing is assumed of other inputs.
  package func properties(ofInputs inputs: [String: ValueProperties] = [:]) -> [ValueProperties] {
    var known = values.map { ValueProperties.unknown($0.spec) }
    for port in self.inputs {
      if let properties = inputs[port.name] { known[port.value.index] = properties }
    }
    for index in known.indices { known[index].relation = ValueRelation(kind: .elements, base: index) }
    for node in nodes {
      let operands = node.inputs.map { input in
        if case .constant(let tensor) = self[input].source {
          OperandProperties(self[input].spec, constant: tensor)
        } else {
          OperandProperties(self[input].spec, known[input.index])
        }
      }
      let outputs = node.outputs.map { self[$0].spec }
      var results =
        (node.operator as? any PropertyInferring)?.properties(of: operands, outputs: outputs)
        ?? outputs.map { ValueProperties(isInteger: $0.elementType != .float32, axes: []) }
      for (place, output) in node.outputs.enumerated() {
        if results[place].axes.isEmpty {
          results[place].axes = .following(operands, to: outputs[place])
        }
        if results[place].relation == nil {
          results[place].relation = ValueRelation(kind: .elements, base: output.index)
        }
        known[output.index] = results[place]
      }
    }
    return known
  }

  /// The proven properties of each output, in order.
  package func outputProperties(ofInputs inputs: [String: ValueProperties] = [:]) -> [ValueProperties] {
    let all = properties(ofInputs: inputs)
    return outputs.map { all[$0.value.index] }
  }
}
