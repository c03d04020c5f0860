import SegEngine

extension ONNXImporter {
  /// Functions of single elements. They keep the memory order of their input.
  static let elementwiseRules: [String: Rule] = {
    func function(_ make: @escaping @Sendable (ONNXStep) throws -> ElementwiseFunction?) -> Rule {
      { step in
        guard step.isFloat(0), let function = try make(step) else { return nil }
        return [try step.unary { step.apply(Elementwise(function), $0) }]
      }
    }
    let forward: Rule = { step in
      guard step.node.outputs.count == 1 else { return nil }
      return [try step.input(0)]
    }
    return [
      "Relu": function { _ in .relu },
      "LeakyRelu": function { .leakyReLU(slope: try $0.attributes.float("alpha", default: 0.01)) },
      "Elu": function { .elu(alpha: try $0.attributes.float("alpha", default: 1)) },
      "Sigmoid": function { _ in .sigmoid },
      "Tanh": function { _ in .tanh },
      "HardSigmoid": function {
        .hardSigmoid(
          slope: try $0.attributes.float("alpha", default: 0.2), offset: try $0.attributes.float("beta", default: 0.5))
      },
      "HardSwish": function { _ in .hardSwish },
      "Softplus": function { _ in .softplus(beta: 1, threshold: .greatestFiniteMagnitude) },
      "Gelu": function { try $0.attributes.string("approximate", default: "none") == "tanh" ? .geluTanh : .gelu },
      "Swish": function { try $0.attributes.float("alpha", default: 1) == 1 ? .silu : nil },
      "Exp": function { _ in .exp }, "Log": function { _ in .log }, "Sqrt": function { _ in .sqrt },
      "Abs": function { _ in .abs }, "Neg": function { _ in .negate }, "Reciprocal": function { _ in .reciprocal },
      "Erf": function { _ in .erf },
      "Clip": function { step in
        if step.node.opset < 11 {
          return .clip(
            low: try step.attributes.float("min", default: -.greatestFiniteMagnitude),
            high: try step.attributes.float("max", default: .greatestFiniteMagnitude))
        }
        let low = step.optional(1), high = step.optional(2)
        guard low == nil || low!.known != nil, high == nil || high!.known != nil else { return nil }
        guard low?.known?.tensor.count ?? 1 == 1, high?.known?.tensor.count ?? 1 == 1 else { return nil }
        // If min > max, every element becomes max (Clip-13).
        let largest = high?.known?.floats.first ?? .infinity
        return .clip(low: min(low?.known?.floats.first ?? -.infinity, largest), high: largest)
      },
      "Mish": { step in
        guard step.isFloat(0) else { return nil }
        return [
          try step.unary { x in
            x
              * x.map(.softplus(beta: 1, threshold: .greatestFiniteMagnitude), named: step.node.name + ".softplus").map(
                .tanh)
          }
        ]
      },
      "PRelu": { step in
        let x = try step.input(0), slope = try step.input(1)
        guard step.isFloat(0) else { return nil }
        let count = slope.dimensions.reduce(1, *)
        let channels = x.rank > 1 ? x.dimensions[1] : 1
        // One slope, or one per channel: shape [C, 1, …] with the spatial axes of x, or [C] before opset 7.
        let isBroadcast =
          slope.rank <= x.rank && slope.dimensions.suffix(max(0, x.rank - 2)).allSatisfy { $0 == 1 }
          && slope.rank >= x.rank - 1
        let perChannel =
          count == channels && slope.rank >= 1 && (isBroadcast || (step.node.opset < 7 && slope.rank == 1))
        guard count == 1 || perChannel, x.rank >= 2 else { return nil }
        let slopes =
          slope.known.map { step.builder.constant($0.tensor.reshaped(to: [count])) }
          ?? step.importer.arranged(slope).apply(
            Reshape(to: .dimensions([count])), named: step.node.name + ".slopes")
        return [step.mapResult(step.apply(PReLU(), try step.map(), [slopes]))]
      },
      "Identity": forward,
      "Dropout": forward,
      "Cast": { step in
        // Every floating-point type, and the numbers of a quantised value, are computed as float32, so a cast to a
        // floating-point type changes the ONNX type only.
        guard let x = step.optional(0), x.type.isFloat || x.integers != nil,
          let to = ONNXElement(rawValue: Int32(clamping: try step.attributes.int("to", default: 0))),
          to.isFloat, !to.isNarrowFloat
        else { return nil }
        let numbers = x.type.isFloat ? x : try step.centered(x, zero: nil)
        guard case .flowing(let value, let axes) = numbers.content else { return nil }
        return [ONNXValue(to, value, axes: axes)]
      },
    ]
  }()
}

extension ONNXStep {
  /// Applies an operator on single elements, in the memory order of input 0.
  func unary(_ body: (Value) -> Value) throws(ONNXFailure) -> ONNXValue {
    let x = try input(0)
    let axes = x.axes
    return ONNXValue(x.type, body(importer.arranged(x, as: axes)), axes: axes)
  }
}
