/// Transposed convolution, the gradient of a convolution with respect to its input (Dumoulin and Visin 2016): input pixel i adds
/// w[c, o, a, b] · x[n, i, j, c] to output pixel i · stride − padding + a · dilation.
///
/// Inputs: x `[batch, height, width, in]`, weight `[in, out / groups, kernelHeight, kernelWidth]`, bias `[out]` or none, and with
/// ``addsResidual`` as the last one a map of the output's shape that is added before the function is applied. Output:
/// `[batch, outHeight, outWidth, out]` with (in − 1) · stride − padding + dilation · (kernel − 1) + 1 + output padding along each
/// axis. Tested to 1e-5 of Σ |w · x| against Double loops.
public struct TransposedConvolution: Operator {
  public static let name = "TransposedConvolution"

  /// Kernel, stride, dilation, padding and groups of the convolution that this transposes.
  public let geometry: ConvolutionGeometry
  /// The numbers of rows at the bottom and columns at the right that are added to the output's size.
  public let outputPadding: Extent2D
  /// The activation function of the result.
  public let function: ElementwiseFunction
  /// Whether the last input is a residual that is added before the function is applied, such as a skip connection's.
  public let addsResidual: Bool

  /// Makes the operator.
  public init(
    _ geometry: ConvolutionGeometry, outputPadding: Extent2D = 0, function: ElementwiseFunction = .identity,
    addingResidual addsResidual: Bool = false
  ) {
    self.addsResidual = addsResidual
    self.geometry = geometry
    self.outputPadding = outputPadding
    self.function = function
  }

  public var attributes: String {
    "\(geometry)" + (outputPadding == 0 ? "" : " output padding \(outputPadding)")
      + (addsResidual ? " + residual" : "") + (function == .identity ? "" : " + \(function)")
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, addsResidual ? 3...4 : 2...3)
    let (x, weight) = (inputs[0], inputs[1])
    try requireFeatureMap(x)
    try require(
      weight.shape.rank == 4 && weight.elementType == .float32
        && weight.shape[2] == geometry.kernel.height && weight.shape[3] == geometry.kernel.width,
      "weights of a \(geometry) transposed convolution are float32 [in, out / groups, \(geometry.kernel.height), "
        + "\(geometry.kernel.width)], not \(weight)")
    try require(
      x.shape.channels == weight.shape[0] && x.shape.channels % geometry.groups == 0 && x.shape.channels > 0,
      "the input \(x.shape) has \(x.shape.channels) channels in \(geometry.groups) groups, the weights \(weight.shape) take "
        + "\(weight.shape[0])")
    let channels = weight.shape[1] * geometry.groups
    if inputs.count == (addsResidual ? 4 : 3) {
      try require(
        inputs[2] == TensorSpec([channels]), "the bias of weights \(weight.shape) is [\(channels)], not \(inputs[2])")
    }
    try require(
      outputPadding.height >= 0 && outputPadding.width >= 0, "an output padding is not negative: \(outputPadding)")
    let size = geometry.transposedOutputSize(
      of: Extent2D(height: x.shape.height, width: x.shape.width), outputPadding: outputPadding)
    try require(
      size.height > 0 && size.width > 0 && x.shape.height > 0 && x.shape.width > 0 && channels > 0,
      "a \(geometry) transposed convolution does not fit the input \(x.shape)")
    let output = TensorSpec(try shape([x.shape.batch, size.height, size.width, channels]))
    if addsResidual, let residual = inputs.last {
      try require(residual == output, "what is added to an output \(output) is of its shape, not \(residual)")
    }
    return [output]
  }

  private func problem(_ input: TensorSpec, _ output: TensorSpec) -> ConvolutionProblem {
    ConvolutionProblem(.transposed, geometry, input: input.shape, output: output.shape)
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    problem(inputs[0], outputs[0]).cost(
      inputs: inputs, outputs: outputs, function: function, hasResidual: addsResidual)
  }

  /// Returns the residual's index, unless the algorithm scatters each tap's results over the output before the residual is added, or is one
  /// of an ordinary convolution, as for stride 1.
  public func overwritableInputs(of count: Int) -> [Int] {
    addsResidual && geometry.groups == 1 && geometry.kernel != geometry.stride && geometry.stride != 1
      ? [count - 1] : []
  }
  public var takesRowStrides: Bool { true }

  /// The weights are packed as they lie: contiguous.
  public func takesRowStrides(ofInput index: Int) -> Bool { index != 1 }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    problem(context.inputs[0], context.outputs[0]).prepared(
      context, function: function, hasResidual: addsResidual)
  }
}

extension TransposedConvolution: ChannelAffineAbsorbing, FunctionAbsorbing, ResidualAbsorbing {
  public func absorbingResidual() -> (any Operator)? {
    function == .identity && !addsResidual
      ? TransposedConvolution(geometry, outputPadding: outputPadding, addingResidual: true) : nil
  }

  public func absorbing(
    scale: [Float], shift: [Float], constants: [Tensor?]
  ) -> (operator: any Operator, constants: [Tensor])? {
    guard function == .identity, !addsResidual, let weight = constants[1], constants.count < 3 || constants[2] != nil
    else {
      return nil
    }
    // Output channel o of group g is slice o of the weights of that group's inputs.
    let outputs = weight.shape[1]
    let groupInputs = weight.shape[0] / geometry.groups
    let inner = weight.shape[2] * weight.shape[3]
    var folded = weight
    folded.withUnsafeMutableElements(of: Float.self) { elements in
      for index in elements.indices {
        let (input, output) = (index / inner / outputs, index / inner % outputs)
        elements[index] *= scale[input / groupInputs * outputs + output]
      }
    }
    let bias = constants.count > 2 ? constants[2]!.elements(of: Float.self) : nil
    return (self, [folded, Tensor.foldedBias(bias, scale: scale, shift: shift)])
  }

  public func absorbing(_ function: ElementwiseFunction) -> (any Operator)? {
    self.function.followed(by: function).map {
      TransposedConvolution(geometry, outputPadding: outputPadding, function: $0, addingResidual: addsResidual)
    }
  }
}

extension TransposedConvolution: Convolving {
  public var direction: ConvolutionDirection { .transposed }
}

extension Value {
  /// Applies a transposed convolution with the parameters `name.weight`, initially He-normal by default, and, with `bias`, `name.bias`.
  public func transposedConv(
    _ name: String, _ outChannels: Int, kernel: Extent2D, stride: Extent2D = 1, padding: Padding2D = 0,
    outputPadding: Extent2D = 0, dilation: Extent2D = 1, groups: Int = 1, bias: Bool = true,
    initializer: Initializer? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let geometry = ConvolutionGeometry(
      kernel: kernel, stride: stride, dilation: dilation, padding: padding, groups: groups)
    let inputs = channels
    let parameters = graph.scope(name) {
      let fanIn = inputs * kernel.height * kernel.width / max(1, stride.height * stride.width)
      let weight = graph.parameter(
        "weight", [inputs, outChannels / groups, kernel.height, kernel.width],
        initializer: initializer ?? .heNormal(fanIn: fanIn), file: file, line: line)
      return bias
        ? [weight, graph.parameter("bias", [outChannels], initializer: .constant(0), file: file, line: line)] : [weight]
    }
    return apply(
      TransposedConvolution(geometry, outputPadding: outputPadding), named: name, with: parameters, file: file,
      line: line)
  }
}

extension TransposedConvolution {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    index == 0
      ? geometry.spreadReach(of: inputs[0])
      : index == inputs.count - 1 && addsResidual ? .samePixel(of: inputs[index]) : .none
  }
}

extension TransposedConvolution: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let dy = context.gradient(before: function) {
      TransposedConvolution(geometry, outputPadding: outputPadding, addingResidual: addsResidual)
    }
    let (x, weight) = (context.inputs[0], context.inputs[1])
    // Rows of output padding beyond a stride would be outputs of the convolution.
    let (height, width) = (x.shape.height, x.shape.width)
    let size = geometry.transposedOutputSize(of: Extent2D(height: height, width: width))
    let extra = Extent2D(
      height: min(outputPadding.height, geometry.stride.height - 1),
      width: min(outputPadding.width, geometry.stride.width - 1))
    let reached = dy.slice([
      .init(axis: 1, to: size.height + extra.height), .init(axis: 2, to: size.width + extra.width),
    ])
    var gradients: [Value?] = [
      context.requiresGradient[0] ? reached.apply(Convolution(geometry), named: "input", with: [weight]) : nil,
      // The roles of map and gradient are exchanged.
      context.requiresGradient[1]
        ? reached.apply(ConvolutionWeightGradient(geometry), named: "weight", with: [x]) : nil,
    ]
    let operands = context.inputs.count - (addsResidual ? 1 : 0)
    if operands > 2 { gradients.append(context.requiresGradient[2] ? dy.summedOverRows(named: "bias") : nil) }
    if addsResidual { gradients.append(dy) }
    return gradients
  }
}
