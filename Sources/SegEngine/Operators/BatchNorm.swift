/// Batch normalisation for inference: (x − mean) / √(variance + epsilon) · weight + bias for each channel, with the running statistics of
/// training (Ioffe and Szegedy 2015).
///
/// Inputs: x `[…, channels]`, weight, bias, running mean, running variance, each `[channels]`. Output: the shape of x.
public struct BatchNorm: Operator, ChannelAffine {
  public static let name = "BatchNorm"

  /// The number added to the variance.
  public let epsilon: Float

  /// Makes the operator.
  public init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

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
      otherOperations: 2 * outputs[0].shape.elementCount, parameters: 4 * outputs[0].shape.channels, reading: inputs,
      writing: outputs)
  }

  public func overwritableInputs(of count: Int) -> [Int] { [0] }
  public var takesRowStrides: Bool { true }

  public func channelAffine(constants: [Tensor?], channels: Int) -> (scale: [Float], shift: [Float])? {
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
    let known = channelAffine(constants: context.constants, channels: channels).map {
      Tensor([2, channels], $0.scale + $0.shift)
    }
    let epsilon = epsilon
    return PreparedOperator(workspaceByteCount: known == nil ? ElementType.float32.byteCount(of: 2 * channels) : 0) {
      context in
      if let known {
        known.withUnsafeElements { BatchNorm.run(context, scale: $0.baseAddress!, shift: $0.baseAddress! + channels) }
      } else {
        let scale = context.scratch
        let shift = scale + channels
        let (weight, bias) = (context.input(1).floats, context.input(2).floats)
        let (mean, variance) = (context.input(3).floats, context.input(4).floats)
        for c in 0..<channels {
          let s = Double(weight[c]) / (Double(variance[c]) + Double(epsilon)).squareRoot()
          scale[c] = Float(s)
          shift[c] = Float(Double(bias[c]) - Double(mean[c]) * s)
        }
        BatchNorm.run(context, scale: scale, shift: shift)
      }
    }
  }

  private static func run(_ context: RunContext, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>) {
    let x = context.input(0)
    let y = context.output()
    let channels = x.shape.channels
    context.workers.forEachRange(x.shape.rows, grain: max(1, 16384 / max(1, channels))) { rows, _ in
      context.kernels.affine(
        x.floats + rows.lowerBound * x.rowStride, xStride: x.rowStride, Epilogue(scale: scale, shift: shift),
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
