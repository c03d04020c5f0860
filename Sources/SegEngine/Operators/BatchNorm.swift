/// Batch normalisation with given statistics: f((x − mean) / √(variance + epsilon) · weight + bias) for each channel (Ioffe and Szegedy
/// 2015). In inference the statistics are the running ones of training; in training they are the batch's (``BatchMoments``).
///
/// Inputs: x `[…, channels]`, weight, bias, mean, variance, each `[channels]`. Output: the shape of x.
public struct BatchNorm: Operator, ChannelAffine, FunctionAbsorbing {
  public static let name = "BatchNorm"

  /// The number added to the variance.
  public let epsilon: Float
  /// The function applied to the result.
  public let function: ElementwiseFunction

  /// Makes the operator.
  public init(epsilon: Float = 1e-5, function: ElementwiseFunction = .identity) {
    self.epsilon = epsilon
    self.function = function
  }

  public var attributes: String { function == .identity ? "" : "+ \(function)" }

  public func absorbing(_ function: ElementwiseFunction) -> (any Operator)? {
    self.function.followed(by: function).map { BatchNorm(epsilon: epsilon, function: $0) }
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 5...5)
    for input in inputs { try requireFloat(input) }
    let channels = inputs[0].shape.channels
    for input in inputs.dropFirst() {
      try require(
        input.shape == [channels], "statistics and weights are [\(channels)] for \(inputs[0].shape), not \(input.shape)"
      )
    }
    return [inputs[0]]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: (2 + function.operationCount) * outputs[0].shape.elementCount,
      parameters: 4 * outputs[0].shape.channels, reading: inputs,
      writing: outputs)
  }

  public func overwritableInputs(of count: Int) -> [Int] { [0] }
  public var takesRowStrides: Bool { true }

  public func channelAffine(constants: [Tensor?], channels: Int) -> (scale: [Float], shift: [Float])? {
    guard function == .identity else { return nil }
    return knownAffine(constants)
  }

  /// Returns scale and shift if weights and statistics are constants.
  private func knownAffine(_ constants: [Tensor?]) -> (scale: [Float], shift: [Float])? {
    guard let weight = constants[1], let bias = constants[2], let mean = constants[3], let variance = constants[4]
    else {
      return nil
    }
    return affine(weight.elements(), bias.elements(), mean.elements(), variance.elements())
  }

  /// Computes scale and shift in Double, so that folding adds no rounding error.
  private func affine(
    _ weight: [Float], _ bias: [Float], _ mean: [Float], _ variance: [Float]
  ) -> (scale: [Float], shift: [Float]) {
    var scale: [Float] = []
    var shift: [Float] = []
    for c in weight.indices {
      let s = Double(weight[c]) / (Double(variance[c]) + Double(epsilon)).squareRoot()
      scale.append(Float(s))
      shift.append(Float(Double(bias[c]) - Double(mean[c]) * s))
    }
    return (scale, shift)
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let channels = context.inputs[0].shape.channels
    let known = knownAffine(context.constants).map { Tensor([2, channels], $0.scale + $0.shift) }
    let (epsilon, function) = (epsilon, function)
    return PreparedOperator(workspaceByteCount: known == nil ? ElementType.float32.byteCount(of: 2 * channels) : 0) {
      context in
      if let known {
        known.withUnsafeElements {
          BatchNorm.run(context, scale: $0.baseAddress!, shift: $0.baseAddress! + channels, function)
        }
      } else {
        let (scale, shift) = (context.scratch, context.scratch + channels)
        BatchNorm.writeAffine(context, firstInput: 1, epsilon: epsilon, channels: channels, scale: scale, shift: shift)
        BatchNorm.run(context, scale: scale, shift: shift, function)
      }
    }
  }

  /// Writes the scale and shift of each channel that weight, bias, mean and variance, the inputs from `firstInput` on, make.
  static func writeAffine(
    _ context: RunContext, firstInput: Int, epsilon: Float, channels: Int, scale: UnsafeMutablePointer<Float>,
    shift: UnsafeMutablePointer<Float>
  ) {
    let (weight, bias) = (context.input(firstInput).floats, context.input(firstInput + 1).floats)
    let (mean, variance) = (context.input(firstInput + 2).floats, context.input(firstInput + 3).floats)
    for c in 0..<channels {
      let s = Double(weight[c]) / (Double(variance[c]) + Double(epsilon)).squareRoot()
      scale[c] = Float(s)
      shift[c] = Float(Double(bias[c]) - Double(mean[c]) * s)
    }
  }

  private static func run(
    _ context: RunContext, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, _ function: ElementwiseFunction
  ) {
    let x = context.input(0)
    let y = context.output()
    let channels = x.shape.channels
    context.workers.forEachRange(x.shape.rows, grain: max(1, 16384 / max(1, channels))) { rows, _ in
      context.kernels.affine(
        x.floats + rows.lowerBound * x.rowStride, xStride: x.rowStride,
        Epilogue(scale: scale, shift: shift, function: function),
        into: Destination(y.floats + rows.lowerBound * y.rowStride, stride: y.rowStride), rows: rows.count,
        channels: channels)
    }
  }
}

extension Value {
  /// Applies batch normalisation with the parameters `name.weight`, `name.bias`, `name.running_mean` and `name.running_var`.
  public func batchNorm(
    _ name: String, epsilon: Float = 1e-5, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let parameters = graph.scope(name) {
      graph.ignoredCheckpointKey("num_batches_tracked")
      return [("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)].map { key, start in
        graph.parameter(key, [channels], initializer: .constant(Float(start)), file: file, line: line)
      }
    }
    return apply(BatchNorm(epsilon: epsilon), named: name, with: parameters, file: file, line: line)
  }
}

extension BatchNorm: BatchNormalizing, FunctionDifferentiating {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (dy, x) = (context.outputGradient, context.inputs[0])
    let parameters = Array(context.inputs.dropFirst())
    let ofBatch =
      context.producer(of: parameters[2]).map { $0.operator is BatchMoments && $0.inputs == [x.id] } ?? false
    let sums = context.graph.add(
      BatchNormGradientSums(epsilon: epsilon, function: function), named: "sums", to: [dy, x] + parameters,
      outputCount: 2)
    let dx =
      context.requiresGradient[0]
      ? dy.apply(
        BatchNormInputGradient(epsilon: epsilon, function: function, ofBatch: ofBatch), named: "input",
        with: [x] + parameters + sums) : nil
    return [dx, sums[1], sums[0], nil, nil]
  }
}
