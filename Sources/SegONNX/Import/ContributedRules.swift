import SegEngine

extension ONNXImporter {
  /// Floating-point operators of the domain `com.microsoft`, into which ONNX Runtime's optimiser fuses others and which it writes where an
  /// optimised model is saved. Definitions are those of ONNX Runtime's `ContribOperators.md`.
  static let contributedRules: [String: Rule] = {
    func function(_ function: @escaping @Sendable (ONNXStep) throws -> ElementwiseFunction) -> Rule {
      { step in
        guard step.isFloat(0) else { return nil }
        // An optional bias of the innermost axis is added first.
        let x = step.optional(1) == nil ? try step.input(0) : try step.combined(.add, step.input(0), step.input(1))
        return [step.mapped(x, try function(step))]
      }
    }
    let rules: [String: Rule] = [
      "Gelu": function { _ in .gelu },
      "BiasGelu": function { _ in .gelu },
      "FastGelu": function { _ in .geluTanh },
      "QuickGelu": { step in
        guard step.isFloat(0) else { return nil }
        let x = try step.input(0)
        let alpha = try step.attributes.float("alpha", default: 1.702)
        if alpha == 1 { return [step.mapped(x, .silu)] }
        let gate = step.mapped(try step.combined(.multiply, x, step.number(alpha)), .sigmoid)
        return [try step.combined(.multiply, x, gate)]
      },
      "BiasSplitGelu": { step in
        let x = try step.combined(.add, step.input(0), step.input(1))
        let channels = x.dimensions.last ?? 0
        guard step.isFloat(0), x.axes.last == x.rank - 1, channels % 2 == 0, channels > 0 else { return nil }
        let halves = step.importer.arranged(x, as: x.axes).split(into: 2)
        return [ONNXValue(x.type, halves[0] * halves[1].gelu(), axes: x.axes)]
      },
      "BiasAdd": { step in
        guard step.isFloat(0) else { return nil }
        return [try step.combined(.add, try step.combined(.add, step.input(0), step.input(1)), step.input(2))]
      },
      "FusedConv": { step in [try step.fusedConvolution(channelsLast: false)] },
      "NhwcConv": { step in [try step.fusedConvolution(channelsLast: true)] },
      "NhwcFusedConv": { step in [try step.fusedConvolution(channelsLast: true)] },
      "FusedGemm": { step in
        guard step.isFloat(0) else { return nil }
        let product = try step.applying("Gemm", step.inputs)
        let parameters = try ["alpha", "beta", "gamma"].map { try step.attributes.float("activation_\($0)") }
        return [try step.activated(product, parameters)]
      },
      "FusedMatMul": { step in [try step.fusedProduct()] },
      "TransposeMatMul": { step in [try step.fusedProduct()] },
      "LayerNormalization": { try ONNXImporter.normalizationRules["LayerNormalization"]!($0) },
      "SkipLayerNormalization": { try $0.skipNormalization(centered: true) },
      "SkipSimplifiedLayerNormalization": { try $0.skipNormalization(centered: false) },
      "GroupNorm": { step in
        guard step.isFloat(0), try step.input(0).rank == 4 else { return nil }
        let isLast = try step.attributes.flag("channels_last", default: true)
        let x = isLast ? try step.channelsFirst(try step.input(0)) : try step.input(0)
        let groups = try step.bounded([try step.attributes.int("groups", default: 0)], "groups", 1...(1 << 20))[0]
        let epsilon = try step.attributes.float("epsilon", default: 1e-5)
        let affine = try (1...2).map { try step.value($0) }
        let map = step.importer.arranged(x, as: channelsLast(4))
        var result = step.apply(GroupNorm(groups: groups, epsilon: epsilon), map, affine)
        if try step.attributes.flag("activation") { result = result.silu() }
        let normalized = ONNXValue(x.type, result, axes: channelsLast(4))
        return [isLast ? try step.channelsFirst(normalized, inverse: true) : normalized]
      },
      "Attention": { try $0.packedAttention() },
      "MultiHeadAttention": { try $0.multiHeadAttention() },
    ]
    var all = Dictionary(uniqueKeysWithValues: rules.map { ("com.microsoft.\($0)", $1) })
    // ONNX Runtime keeps this one in the domain of ONNX.
    all["SimplifiedLayerNormalization"] = { step in
      guard step.isFloat(0) else { return nil }
      return [try step.applying("RMSNormalization", step.inputs)]
    }
    all["com.microsoft.SimplifiedLayerNormalization"] = all["SimplifiedLayerNormalization"]
    return all
  }()
}

extension ONNXStep {
  /// Applies a function to each element of a value, in its order in memory.
  fileprivate func mapped(_ x: ONNXValue, _ function: ElementwiseFunction) -> ONNXValue {
    ONNXValue(x.type, importer.arranged(x, as: x.axes).map(function, named: node.name + ".function"), axes: x.axes)
  }

  /// Applies the function that the attribute `activation` names, if there is one.
  ///
  /// - Parameter parameters: Its parameters in the order of the function's definition, where they are given.
  fileprivate func activated(_ x: ONNXValue, _ parameters: [Float?]) throws -> ONNXValue {
    func parameter(_ index: Int, _ value: Float) -> Float {
      (index < parameters.count ? parameters[index] : nil) ?? value
    }
    let name = try attributes.string("activation", default: "")
    switch name {
    case "": return x
    case "Relu": return mapped(x, .relu)
    case "Sigmoid": return mapped(x, .sigmoid)
    case "Tanh": return mapped(x, .tanh)
    case "LeakyRelu":
      return mapped(x, .leakyReLU(slope: parameter(0, try attributes.float("leaky_relu_alpha", default: 0.01))))
    case "Clip": return mapped(x, .clip(low: parameter(0, -.infinity), high: parameter(1, .infinity)))
    case "HardSigmoid": return mapped(x, .hardSigmoid(slope: parameter(0, 0.2), offset: parameter(1, 0.5)))
    case "HardSwish": return mapped(x, .hardSwish)
    case "Elu": return mapped(x, .elu(alpha: parameter(0, 1)))
    case "Gelu": return mapped(x, .gelu)
    case "Softplus": return mapped(x, .softplus(beta: 1, threshold: .greatestFiniteMagnitude))
    default: throw ONNXFailure("its activation \(name) is not supported")
    }
  }

  /// FusedConv: f(convolution + residual), with the residual at input 3.
  fileprivate func fusedConvolution(channelsLast isLast: Bool) throws -> ONNXValue {
    guard isFloat(0) else { throw ONNXFailure("is not supported for operands of type \(types)") }
    func map(_ index: Int) throws -> ONNXValue { isLast ? try channelsFirst(try input(index)) : try input(index) }
    var result = try applying("Conv", [try map(0), try input(1), optional(2)])
    if optional(3) != nil { result = try combined(.add, result, try map(3)) }
    result = try activated(result, try attributes.floats("activation_params") ?? [])
    return isLast ? try channelsFirst(result, inverse: true) : result
  }

  /// FusedMatMul: alpha · A · B. `transA` exchanges the last two axes; `transBatchA` makes the first axis the one before the last.
  fileprivate func fusedProduct() throws -> ONNXValue {
    func operand(_ index: Int, _ letter: String) throws -> ONNXValue {
      let x = try input(index)
      guard x.type.isFloat else { throw ONNXFailure("is not supported for operands of type \(types)") }
      let rank = x.rank
      var order = Array(0..<rank)
      if try attributes.flag("transBatch" + letter), rank > 2 { order = Array(1..<rank - 1) + [0, rank - 1] }
      if try attributes.flag("trans" + letter), rank > 1 { order.swapAt(rank - 1, rank - 2) }
      if order == Array(0..<rank) { return x }
      switch x.content {
      case .known(let constant): return ONNXValue(ONNXConstant(constant.type, constant.tensor.transposed(order)))
      case .flowing(let value, let axes):
        return ONNXValue(x.type, value, axes: axes.map { axis in order.firstIndex(of: axis)! })
      }
    }
    let product = try applying("MatMul", [try operand(0, "A"), try operand(1, "B")])
    let alpha = try attributes.float("alpha", default: 1)
    return alpha == 1 ? product : try combined(.multiply, product, number(alpha))
  }

  /// SkipLayerNormalization: the normalised sum of two values and a bias; the sum is output 3.
  fileprivate func skipNormalization(centered: Bool) throws -> [ONNXValue]? {
    guard isFloat(0), isFloat(1) else { return nil }
    let outputs = node.outputs
    for index in [1, 2] where index < outputs.count && !outputs[index].isEmpty {
      throw ONNXFailure("its output \(index) is not supported")
    }
    var sum = try combined(.add, try input(0), try input(1))
    if let bias = optional(centered ? 4 : 3) { sum = try combined(.add, sum, bias) }
    let epsilon = try attributes.float("epsilon", default: 1e-12)
    let normalized = try applying(
      centered ? "LayerNormalization" : "RMSNormalization",
      [sum, try input(2)] + (centered ? [optional(3)] : []), attributes: ["epsilon": .float(epsilon), "axis": .int(-1)])
    // Outputs 1 and 2, mean and deviation, are read by nothing.
    return outputs.count > 3 ? [normalized, normalized, normalized, sum] : [normalized]
  }

  /// Refuses inputs from an index on that attention does not support.
  private func refuse(_ indices: [Int], _ what: String) throws(ONNXFailure) {
    for index in indices where optional(index) != nil { throw ONNXFailure("its \(what) is not supported") }
  }

  /// Attention over queries, keys and values `[batch, tokens, heads · channels]`.
  private func attention(_ q: Value, _ k: Value, _ v: Value, bias: ONNXValue?) throws -> ONNXValue {
    let heads = try bounded([try attributes.int("num_heads", default: 0)], "num_heads", 1...(1 << 16))[0]
    guard try !attributes.flag("unidirectional"), try !attributes.flag("do_rotary") else {
      throw ONNXFailure("attention to earlier tokens only, or with rotary embeddings, is not supported")
    }
    // A scale of 0 stands for the default.
    let scale = try attributes.float("scale").flatMap { $0 == 0 ? nil : $0 }
    return ONNXValue(
      try input(0).type,
      q.attention(
        keys: k, values: v, heads: heads, mask: bias.map { importer.arranged($0) }, scale: scale, named: node.name))
  }

  /// com.microsoft.Attention: one product gives queries, keys and values.
  fileprivate func packedAttention() throws -> [ONNXValue]? {
    let x = try input(0)
    guard isFloat(0), x.rank == 3, let weights = optional(1)?.known, weights.shape.rank == 2, node.outputs.count == 1
    else { return nil }
    try refuse([3], "mask")
    try refuse([4, 6], "past")
    let widths = try attributes.ints("qkv_hidden_sizes") ?? [Int](repeating: weights.shape[1] / 3, count: 3)
    guard widths.count == 3, widths.allSatisfy({ $0 > 0 }), widths.reduce(0, clampedSum) == weights.shape[1] else {
      throw ONNXFailure("its weights \(weights.shape) are not those of queries, keys and values of \(widths)")
    }
    var others = [builder.constant(weights.tensor.transposed([1, 0]))]
    if optional(2) != nil { others.append(try value(2)) }
    let parts = apply(Linear(), try value(0), others).split(sizes: widths)
    guard parts.count == 3 else { return nil }
    return [try attention(parts[0], parts[1], parts[2], bias: optional(5))]
  }

  /// com.microsoft.MultiHeadAttention over queries, keys and values of rank 3.
  fileprivate func multiHeadAttention() throws -> [ONNXValue]? {
    guard isFloat(0), isFloat(1), isFloat(2), try input(0).rank == 3, try input(1).rank == 3, try input(2).rank == 3,
      node.outputs.count == 1
    else { return nil }
    try refuse([4], "mask of keys")
    try refuse([6, 7, 8, 9], "past")
    var parts = try (0...2).map { try value($0) }
    if let bias = optional(3) {
      let rows = importer.arranged(bias).split(sizes: parts.map(\.channels), axis: 0)
      guard rows.count == 3 else { return nil }
      parts = zip(parts, rows).map { $0 + $1 }
    }
    return [try attention(parts[0], parts[1], parts[2], bias: optional(5))]
  }
}
