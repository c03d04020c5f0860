import SegEngine

extension ONNXImporter {
  /// Operators on quantised numbers of the domain `com.microsoft`, as ONNX Runtime's quantiser writes them. Most take a value, its scale and
  /// its zero point as three inputs. Definitions are those of ONNX Runtime's `ContribOperators.md`.
  static let quantizedRules: [String: Rule] = {
    /// An operation on two values, in units of the result's scale.
    func binary(
      _ body: @escaping @Sendable (ONNXStep, ONNXQuantized, ONNXQuantized, _ unit: ONNXValue) throws -> ONNXValue
    ) -> Rule {
      { step in
        let a = try step.quantized(0), b = try step.quantized(3)
        let format = try step.resultFormat(6, like: a)
        return [try step.rounded(try body(step, a, b, format.scale), format.type, zero: format.zero)]
      }
    }
    /// A function of the real value, whose result has the scale and zero point at inputs 3 and 4.
    func unary(_ body: @escaping @Sendable (ONNXStep, ONNXValue) throws -> ONNXValue) -> Rule {
      { step in
        let x = try step.quantized(0)
        return [try step.resultFormat(3, like: x).quantize(try body(step, try x.real()))]
      }
    }
    func function(_ make: @escaping @Sendable (ONNXStep) throws -> ElementwiseFunction) -> Rule {
      unary { step, x in
        let order = x.axes
        let value = step.importer.arranged(x, as: order).map(try make(step), named: step.node.name + ".function")
        return ONNXValue(.float, value, axes: order)
      }
    }
    /// A pooling, over maps with the channels last if an attribute says so.
    func pooling(_ kind: String) -> Rule {
      unary { step, x in
        let isLast = try step.attributes.flag("channels_last")
        let pooled = try step.applying(kind, [isLast ? try step.channelsFirst(x) : x])
        return isLast ? try step.channelsFirst(pooled, inverse: true) : pooled
      }
    }
    let rules: [String: Rule] = [
      "QLinearAdd": binary { step, a, b, unit in
        try step.combined(
          .add, try step.combined(.multiply, a.numbers, try step.ratio([a.scale], over: unit)),
          try step.combined(.multiply, b.numbers, try step.ratio([b.scale], over: unit)))
      },
      "QLinearMul": binary { step, a, b, unit in
        try step.combined(
          .multiply, try step.combined(.multiply, a.numbers, b.numbers), try step.ratio([a.scale, b.scale], over: unit))
      },
      "QLinearSigmoid": function { _ in .sigmoid },
      "QLinearLeakyRelu": function { .leakyReLU(slope: try $0.attributes.float("alpha", default: 0.01)) },
      "QLinearGlobalAveragePool": pooling("GlobalAveragePool"),
      "QLinearAveragePool": pooling("AveragePool"),
      "QLinearSoftmax": unary { step, x in
        try step.applying("Softmax", [x], opset: try step.attributes.int("opset", default: 13))
      },
      "QLinearReduceMean": unary { step, x in try step.applying("ReduceMean", [x]) },
      "QLinearConcat": { step in
        let format = try step.resultFormat(0, like: nil)
        guard step.inputs.count >= 5, (step.inputs.count - 2) % 3 == 0 else {
          throw ONNXFailure("it has no three operands for each part")
        }
        let parts = try stride(from: 2, to: step.inputs.count, by: 3).map { index in
          try format.requantized(try step.quantized(index))
        }
        return [try step.integers(format.type, try step.applying("Concat", parts), zero: format.zero)]
      },
      "QLinearConv": { step in
        [try step.quantizedConvolution(channelsLast: try step.attributes.flag("channels_last"))]
      },
      "QGemm": { try $0.quantizedGemm() },
      "MatMulIntegerToFloat": { step in
        let sum = try step.integerProduct(0, 1, aZero: 4, bZero: 5).value
        return [try step.scaledProduct(sum, try step.input(2), try step.input(3), bias: step.optional(6))]
      },
      "DynamicQuantizeMatMul": { step in
        guard step.isFloat(0) else { return nil }
        let b = try step.input(1), point = step.optional(3)
        let (numbers, scale, zero) = try step.dynamicallyQuantized(try step.input(0))
        let sum = try ONNXExactProduct(step: step).product(
          numbers, .init(.uint8, zero: zero),
          try step.centered(b, zero: try point.map(step.row), axis: max(0, b.rank - 1)), .init(b.type, zero: point)
        ).value
        return [try step.scaledProduct(sum, scale, try step.input(2), bias: step.optional(4))]
      },
      "NhwcMaxPool": { step in
        let x = try step.channelsFirst(try step.input(0))
        guard let integers = x.integers ?? (try? ONNXIntegers(step.centered(x, zero: nil), zero: nil)) else {
          return nil
        }
        let pooled = try step.integers(x.type, try step.applying("MaxPool", [integers.numbers]), zero: integers.zero)
        return [try step.channelsFirst(pooled, inverse: true)]
      },
      "QuantizeLinear": ONNXImporter.quantizationRules["QuantizeLinear"]!,
      "DequantizeLinear": ONNXImporter.quantizationRules["DequantizeLinear"]!,
      "MatMulNBits": { try $0.narrowProduct() },
    ]
    return Dictionary(uniqueKeysWithValues: rules.map { ("com.microsoft.\($0)", $1) })
  }()
}

/// A quantised operand: (integers − zero point) · scale.
private struct ONNXQuantized {
  let step: ONNXStep
  let type: ONNXElement
  /// The integers less the zero point, as float32.
  let numbers: ONNXValue
  /// A single number.
  let scale: ONNXValue
  let zero: ONNXValue?

  /// Returns the real numbers.
  func real() throws -> ONNXValue { try step.combined(.multiply, numbers, scale) }
}

/// The scale, zero point and type of a result.
private struct ONNXQuantizedFormat {
  let step: ONNXStep
  let type: ONNXElement
  /// A single number.
  let scale: ONNXValue
  let zero: ONNXValue?

  /// Returns a real value quantised.
  func quantize(_ real: ONNXValue) throws -> ONNXValue {
    try step.rounded(try step.combined(.divide, real, scale), type, zero: zero)
  }

  /// Returns the numbers of an operand in this format, less the zero point.
  func requantized(_ x: ONNXQuantized) throws -> ONNXValue {
    if type == x.type, let own = x.scale.known, let wanted = scale.known, own.floats == wanted.floats,
      ONNXIntegers.areEqual(x.zero, zero)
    {
      return x.numbers
    }
    return try quantize(try x.real()).integers!.numbers
  }
}

extension ONNXStep {
  /// Returns the operand at an input, with its scale and zero point at the inputs behind it.
  fileprivate func quantized(_ index: Int) throws -> ONNXQuantized {
    let x = try input(index), scale = try input(index + 1)
    guard scale.dimensions.reduce(1, *) == 1 else { throw ONNXFailure("its scale is not one number") }
    return ONNXQuantized(
      step: self, type: x.type, numbers: try centered(x, zero: optional(index + 2)),
      scale: try along(0, rank: 1, scale), zero: optional(index + 2))
  }

  /// Returns the format of the result, whose scale and zero point are at an input and the one behind it.
  fileprivate func resultFormat(_ index: Int, like operand: ONNXQuantized?) throws -> ONNXQuantizedFormat {
    let zero = optional(index + 1)
    guard let type = zero?.type ?? operand?.type else { throw ONNXFailure("its result has no zero point") }
    let scale = try input(index)
    guard scale.dimensions.reduce(1, *) == 1 else { throw ONNXFailure("its result's scale is not one number") }
    return ONNXQuantizedFormat(step: self, type: type, scale: try along(0, rank: 1, scale), zero: zero)
  }

  /// Returns sums of products times the scales of rows and columns, plus a bias.
  fileprivate func scaledProduct(
    _ sum: ONNXValue, _ aScale: ONNXValue, _ bScale: ONNXValue, bias: ONNXValue?
  ) throws -> ONNXValue {
    let rows = try along(max(0, sum.rank - 2), rank: sum.rank, try row(aScale))
    let columns = try along(max(0, sum.rank - 1), rank: sum.rank, try row(bScale))
    let scaled = try combined(.multiply, sum, try ratio([rows, columns], over: nil))
    return try bias.map { try combined(.add, scaled, $0) } ?? scaled
  }

  /// QGemm: the product of two matrices plus integers, quantised again where a scale of the result is given.
  fileprivate func quantizedGemm() throws -> [ONNXValue] {
    func matrix(_ index: Int, _ attribute: String) throws -> ONNXValue {
      let x = try input(index)
      guard x.rank == 2 else { throw ONNXFailure("\(x.dimensions) is no matrix") }
      let isTransposed = try attributes.flag(attribute)
      let numbers = try centered(x, zero: try optional(index + 2).map(row), axis: isTransposed ? 0 : 1)
      guard isTransposed else { return numbers }
      switch numbers.content {
      case .known(let constant): return ONNXValue(ONNXConstant(.float, constant.tensor.transposed([1, 0])))
      case .flowing(let value, let axes): return ONNXValue(.float, value, axes: axes.map { 1 - $0 })
      }
    }
    let (a, b) = (try input(0), try input(3))
    var sum = try ONNXExactProduct(step: self).product(
      try matrix(0, "transA"), .init(a.type, zero: optional(2)), try matrix(3, "transB"),
      .init(b.type, zero: optional(5))
    ).value
    if let addend = optional(6) { sum = try combined(.add, sum, asFloat(addend)) }
    let columns = try along(1, rank: 2, try row(try input(4)))
    let factors = [try along(0, rank: 1, try input(1)), columns, number(try attributes.float("alpha", default: 1))]
    guard let scale = optional(7) else { return [try combined(.multiply, sum, try ratio(factors, over: nil))] }
    let numbers = try combined(.multiply, sum, try ratio(factors, over: try along(0, rank: 1, scale)))
    return [try rounded(numbers, optional(8)?.type ?? a.type, zero: optional(8))]
  }

  /// MatMulNBits: the product of rows with constant weights of 4 or 8 bits, which are quantised in blocks of a row.
  fileprivate func narrowProduct() throws -> [ONNXValue]? {
    let bits = try attributes.int("bits", default: 4)
    let depth = try bounded([try attributes.int("K", default: 0)], "K", 1...(1 << 24))[0]
    let columns = try bounded([try attributes.int("N", default: 0)], "N", 1...(1 << 24))[0]
    let block = try bounded([try attributes.int("block_size", default: 32)], "block_size", 1...(1 << 20))[0]
    guard isFloat(0), bits == 4 || bits == 8, optional(4) == nil, let packed = optional(1)?.known,
      let scales = optional(2)?.known?.floats
    else { return nil }
    let blocks = (depth + block - 1) / block
    let perByte = 8 / bits
    let bytes = packed.integers
    let rowBytes = blocks * ((block + perByte - 1) / perByte)
    let points = optional(3)
    guard packed.type == .uint8, bytes.count == columns * rowBytes, scales.count == columns * blocks,
      points == nil || points!.known != nil
    else {
      throw ONNXFailure("its weights and scales do not go with \(columns) × \(depth) numbers in blocks of \(block)")
    }
    func part(_ byte: Int64, _ index: Int) -> Float { Float(bits == 8 ? byte : byte >> (4 * Int64(index)) & 15) }
    let pointBytes = (blocks + perByte - 1) / perByte
    let zeros = points?.known.flatMap { $0.type.isFloat ? nil : $0.integers }
    let realZeros = points?.known.flatMap { $0.type.isFloat ? $0.floats : nil }
    guard zeros?.count ?? (columns * pointBytes) == columns * pointBytes,
      realZeros?.count ?? (columns * blocks) == columns * blocks
    else { throw ONNXFailure("its zero points do not go with \(columns) × \(blocks) blocks") }
    var weights = [Float](repeating: 0, count: columns * depth)
    let blockBytes = rowBytes / blocks
    for column in 0..<columns {
      for place in 0..<depth {
        let (number, inside) = place.quotientAndRemainder(dividingBy: block)
        let byte = bytes[column * rowBytes + number * blockBytes + inside / perByte]
        let zero =
          realZeros?[column * blocks + number]
          ?? zeros.map { part($0[column * pointBytes + number / perByte], number % perByte) }
          ?? Float(1 << (bits - 1))
        weights[column * depth + place] = (part(byte, inside % perByte) - zero) * scales[column * blocks + number]
      }
    }
    let x = try input(0)
    guard x.rank >= 1, x.dimensions[x.rank - 1] == depth else {
      throw ONNXFailure("\(x.dimensions) has no rows of \(depth)")
    }
    let order = x.orderOfRows
    let product = apply(
      Linear(), importer.arranged(x, as: order), [builder.constant(Tensor([columns, depth], weights))])
    let result = ONNXValue(x.type, product, axes: order)
    return [try optional(5).map { try combined(.add, result, $0) } ?? result]
  }
}
