/// A linear layer on each row (pixel, token): x · weightᵀ + bias, and an activation where one is fused.
///
/// Inputs: x `[…, in]`, weight `[out, in]`, and where given bias `[out]`. Output: `[…, out]`. Sums are float32 in the backend's order:
/// held to 8e-7 · √in · (largest |x|) · (largest |weight|).
public struct Linear: Operator, ChannelAffineAbsorbing, FunctionAbsorbing {
  public static let name = "Linear"

  /// What is applied to the result.
  public let function: ElementwiseFunction

  /// Makes the operator.
  public init(function: ElementwiseFunction = .identity) { self.function = function }

  public var attributes: String { function == .identity ? "" : "\(function)" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...3)
    for input in inputs { try requireFloat(input) }
    let (x, weight) = (inputs[0].shape, inputs[1].shape)
    try require(
      x.rank >= 1 && weight.rank == 2 && weight[1] == x.channels,
      "a weight [out, in] of \(weight) does not take \(x)")
    if inputs.count == 3 {
      try require(
        inputs[2].shape == [weight[0]], "the bias of a weight \(weight) is [\(weight[0])], not \(inputs[2].shape)")
    }
    return [TensorSpec(try shape(x.dimensions.dropLast() + [weight[0]]))]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let elements = outputs[0].shape.elementCount
    return Cost(
      macs: elements * inputs[0].shape.channels,
      otherOperations: elements * ((inputs.count == 3 ? 1 : 0) + function.operationCount),
      parameters: inputs.dropFirst().reduce(0) { $0 + $1.shape.elementCount }, reading: inputs, writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  func absorbing(_ function: ElementwiseFunction) -> (any Operator)? {
    self.function == .identity ? Linear(function: function) : nil
  }

  func absorbing(
    scale: [Float], shift: [Float], constants: [Tensor?]
  ) -> (operator: any Operator, constants: [Tensor])? {
    guard function == .identity, constants.count >= 2, let weight = constants[1], weight.shape[0] == scale.count else {
      return nil
    }
    if constants.count > 2 && constants[2] == nil { return nil }
    let bias = constants.count > 2 ? constants[2]?.elements(of: Float.self) : nil
    return (self, [weight.scaledAlongAxis(0, by: scale), Tensor.foldedBias(bias, scale: scale, shift: shift)])
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (outputs, inputs) = (context.inputs[1].shape[0], context.inputs[1].shape[1])
    // [in, out]: the product then reads the weights along their rows.
    let packed = context.constants[1].map { weight in
      context.packed("transposed") {
        Tensor([inputs, outputs]) { (packed: inout MutableSpan<Float>) in
          weight.withElements(of: Float.self) { weight in
            for o in 0..<outputs { for i in 0..<inputs { packed[i * outputs + o] = weight[o * inputs + i] } }
          }
        }
      }
    }
    let tiles = ProductTiles(
      rows: context.inputs[0].shape.rows, columns: outputs, products: 1, workers: context.backend.workers)
    let function = function
    return PreparedOperator { context in
      let (x, y) = (context.input(0), context.output())
      let backend = context.backend
      func run(_ weight: UnsafePointer<Float>, isTransposed: Bool) {
        let bias = context.inputCount > 2 ? context.input(2).floats : nil
        let weightStride = isTransposed ? outputs : context.input(1).rowStride
        tiles.run(over: backend.workers) { _, rows, columns, _ in
          let target = y.floats + rows.lowerBound * y.rowStride + columns.lowerBound
          backend.gemm(
            transposeA: false, transposeB: !isTransposed, m: rows.count, n: columns.count, k: inputs, alpha: 1,
            x.floats + rows.lowerBound * x.rowStride, x.rowStride,
            weight + columns.lowerBound * (isTransposed ? 1 : weightStride), weightStride, beta: 0, target, y.rowStride)
          if bias != nil || function != .identity {
            backend.affine(
              target, xStride: y.rowStride, scale: nil, shift: bias.map { $0 + columns.lowerBound }, residual: nil,
              residualStride: 0, function, target, yStride: y.rowStride, rows: rows.count, channels: columns.count)
          }
        }
      }
      if let packed {
        packed.withUnsafeElements { run($0.baseAddress!, isTransposed: true) }
      } else {
        run(context.input(1).floats, isTransposed: false)
      }
    }
  }
}

extension Value {
  /// A linear layer with the parameters `name.weight` `[out, in]` and, where wanted, `name.bias` `[out]`.
  public func linear(
    _ name: String, _ outputs: Int, bias: Bool = true, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let inputs = channels
    let parameters = graph.scope(name) {
      [graph.parameter("weight", [outputs, inputs], initializer: .heNormal(fanIn: inputs))]
        + (bias ? [graph.parameter("bias", [outputs], initializer: .constant(0))] : [])
    }
    return apply(Linear(), named: name, with: parameters, file: file, line: line)
  }
}
