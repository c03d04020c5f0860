/// A linear layer on each row (pixel, token): x · weightᵀ + bias, with an optional activation function.
///
/// Inputs: x `[…, in]`, weight `[out, in]`, optionally bias `[out]`, and with ``addsResidual`` a residual of the output's shape as the last
/// input. Output: `[…, out]`. It runs as a 1×1 convolution, by the algorithm with the lowest estimated time, unless weights are computed and rows are few. Float32
/// sums are tested to 8e-7 · √in · (largest |x|) · (largest |weight|), those of Strassen's algorithm to three times that.
public struct Linear: Operator, ChannelAffineAbsorbing, FunctionAbsorbing, ResidualAbsorbing {
  public static let name = "Linear"

  /// The activation function of the result.
  public let function: ElementwiseFunction

  /// Whether the last input is added to the result before the function is applied.
  public let addsResidual: Bool

  /// Makes the operator.
  public init(function: ElementwiseFunction = .identity, addingResidual addsResidual: Bool = false) {
    self.function = function
    self.addsResidual = addsResidual
  }

  public var latencyKind: String { function == .identity ? Self.name : "\(Self.name) \(function.name)" }

  public var attributes: String {
    [addsResidual ? "+ residual" : "", function == .identity ? "" : "\(function)"].filter { !$0.isEmpty }
      .joined(separator: " ")
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, addsResidual ? 3...4 : 2...3)
    for input in inputs { try requireFloat(input) }
    let (x, weight) = (inputs[0].shape, inputs[1].shape)
    try require(
      x.rank >= 1 && weight.rank == 2 && weight[1] == x.channels,
      "a weight [out, in] of \(weight) does not take \(x)")
    if inputs.count == (addsResidual ? 4 : 3) {
      try require(
        inputs[2].shape == [weight[0]], "the bias of a weight \(weight) is [\(weight[0])], not \(inputs[2].shape)")
    }
    let output = TensorSpec(try shape(x.dimensions.dropLast() + [weight[0]]))
    if addsResidual, let residual = inputs.last {
      try require(residual == output, "what is added to an output \(output) is of its shape, not \(residual)")
    }
    return [output]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let elements = outputs[0].shape.elementCount
    return Cost(
      macs: elements * inputs[0].shape.channels,
      otherOperations: elements * (inputs.count - 2 + function.operationCount),
      parameters: inputs.dropFirst().dropLast(addsResidual ? 1 : 0).reduce(0) { $0 + $1.shape.elementCount },
      reading: inputs, writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  /// The weights are packed as they lie: contiguous.
  public func takesRowStrides(ofInput index: Int) -> Bool { index != 1 }

  public func absorbing(_ function: ElementwiseFunction) -> (any Operator)? {
    self.function.followed(by: function).map { Linear(function: $0, addingResidual: addsResidual) }
  }

  public func absorbingResidual() -> (any Operator)? {
    function == .identity && !addsResidual ? Linear(addingResidual: true) : nil
  }

  public func absorbing(
    scale: [Float], shift: [Float], constants: [Tensor?]
  ) -> (operator: any Operator, constants: [Tensor])? {
    guard function == .identity, !addsResidual, constants.count >= 2, let weight = constants[1],
      weight.shape[0] == scale.count
    else {
      return nil
    }
    if constants.count > 2 && constants[2] == nil { return nil }
    let bias = constants.count > 2 ? constants[2]?.elements(of: Float.self) : nil
    return (self, [weight.scaledAlongAxis(0, by: scale), Tensor.foldedBias(bias, scale: scale, shift: shift)])
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (outputs, inputs) = (context.inputs[1].shape[0], context.inputs[1].shape[1])
    let rows = context.inputs[0].shape.rows
    // Packing weights that the network computes pays if there are some rows.
    guard context.constants[1] != nil || rows >= Linear.fewestPackedRows, inputs > 0, outputs > 0, rows > 0 else {
      return general(rows: rows, outputs: outputs, inputs: inputs, context.workers)
    }
    // The rows are the pixels of a map of width 1.
    return ConvolutionProblem(
      .forward, ConvolutionGeometry(kernel: 1), input: [1, rows, 1, inputs], output: [1, rows, 1, outputs]
    ).prepared(context, function: function, hasResidual: addsResidual)
  }

  /// The fewest rows for which computed weights are packed.
  private static let fewestPackedRows = 32

  /// Prepares a layer of few rows whose weights are computed by the network: it uses the backend's general product.
  private func general(rows: Int, outputs: Int, inputs: Int, _ workers: WorkerPool) -> PreparedOperator {
    let tiles = ProductTiles(rows: rows, columns: outputs, products: 1, workers: workers)
    let function = function
    let addsResidual = addsResidual
    return PreparedOperator { context in
      let (x, weight, y, device) = (context.input(0), context.input(1), context.output(), context.device)
      let operands = context.inputCount - (addsResidual ? 1 : 0)
      let bias = operands > 2 ? context.input(2).floats : nil
      let residual = addsResidual ? context.input(operands) : nil
      let epilogue = Epilogue(
        shift: bias, residual: residual?.floats, residualStride: residual?.rowStride ?? 0, function: function)
      tiles.run(over: device.workers) { _, rows, columns, _ in
        let target = y.floats + rows.lowerBound * y.rowStride + columns.lowerBound
        device.backend.gemm(
          transposeA: false, transposeB: true, m: rows.count, n: columns.count, k: inputs, alpha: 1,
          x.floats + rows.lowerBound * x.rowStride, x.rowStride,
          weight.floats + columns.lowerBound * weight.rowStride, weight.rowStride, beta: 0, target, y.rowStride)
        let part = epilogue.part(row: rows.lowerBound, column: columns.lowerBound)
        if !part.isIdentity {
          device.kernels.affine(
            target, xStride: y.rowStride, part, into: Destination(target, stride: y.rowStride), rows: rows.count,
            channels: columns.count)
        }
      }
    }
  }
}

extension Value {
  /// Applies a linear layer with the parameters `name.weight` `[out, in]` and, with `bias`, `name.bias` `[out]`.
  public func linear(
    _ name: String, _ outputs: Int, bias: Bool = true, initializer: Initializer? = nil, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    let inputs = channels
    let parameters = graph.scope(name) {
      [
        graph.parameter(
          "weight", [outputs, inputs], initializer: initializer ?? .heNormal(fanIn: inputs), file: file, line: line)
      ]
        + (bias ? [graph.parameter("bias", [outputs], initializer: .constant(0), file: file, line: line)] : [])
    }
    return apply(Linear(), named: name, with: parameters, file: file, line: line)
  }
}

extension Linear: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let dy = context.gradient(before: function) { Linear(addingResidual: addsResidual) }
    let (x, weight) = (context.inputs[0], context.inputs[1])
    /// The rows of a map as pixels of a map of width 1, so that products are those of 1×1 convolutions.
    func pixels(_ value: Value) -> Value { value.reshape(to: [1, value.shape.rows, 1, value.channels]) }
    let kernel = ConvolutionGeometry(kernel: 1)
    var gradients: [Value?] = [
      context.requiresGradient[0]
        ? pixels(dy).apply(
          TransposedConvolution(kernel), named: "input", with: [weight.reshape(to: [dy.channels, x.channels, 1, 1])]
        ).reshape(to: x.shape) : nil,
      context.requiresGradient[1]
        ? pixels(x).apply(ConvolutionWeightGradient(kernel), named: "weight", with: [pixels(dy)])
          .reshape(to: weight.shape) : nil,
    ]
    let operands = context.inputs.count - (addsResidual ? 1 : 0)
    if operands > 2 { gradients.append(context.requiresGradient[2] ? dy.summedOverRows(named: "bias") : nil) }
    if addsResidual { gradients.append(dy) }
    return gradients
  }
}
