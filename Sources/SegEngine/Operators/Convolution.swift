/// Two-dimensional convolution (cross-correlation, as in other frameworks), ordinary, strided, atrous, grouped or depthwise:
///
/// y[n, i, j, o] = f(b[o] + r[n, i, j, o] + Σ over a, b, c of w[o, c, a, b] · x[n, i·stride − padding + a·dilation, j·stride − … , c])
///
/// Inputs: x `[batch, height, width, in]`, weight `[out, in / groups, kernelHeight, kernelWidth]` (the layout of PyTorch's and ONNX's
/// checkpoints), optionally bias `[out]`, and with ``addsResidual`` r, of the output's shape, as the last input. Output:
/// `[batch, outHeight, outWidth, out]`, with extents by ``ConvolutionGeometry/outputSize(of:roundingUp:)``. Tested to 1e-5 of Σ |w · x|
/// against Double loops.
public struct Convolution: Operator {
  public static let name = "Convolution"

  /// Kernel, stride, dilation, padding and groups.
  public let geometry: ConvolutionGeometry
  /// The activation function of the result.
  public let function: ElementwiseFunction
  /// Whether the last input is a residual that is added before the function is applied.
  public let addsResidual: Bool
  /// Whether each output is a sum of the products of the definition, in any order. Algorithms that transform weights and maps (Winograd,
  /// Strassen) are left out then, and no scale is folded into the weights, so that sums of whole numbers of magnitude 2²⁴ at most are exact.
  package let isExact: Bool

  /// Makes the operator.
  public init(
    _ geometry: ConvolutionGeometry, function: ElementwiseFunction = .identity,
    addingResidual addsResidual: Bool = false
  ) {
    self.init(geometry, function: function, addingResidual: addsResidual, exactly: false)
  }

  package init(
    _ geometry: ConvolutionGeometry, function: ElementwiseFunction = .identity,
    addingResidual addsResidual: Bool = false, exactly isExact: Bool
  ) {
    self.geometry = geometry
    self.function = function
    self.addsResidual = addsResidual
    self.isExact = isExact
  }

  public var attributes: String {
    "\(geometry)" + (isExact ? " exact" : "") + (addsResidual ? " + residual" : "")
      + (function == .identity ? "" : " + \(function)")
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, addsResidual ? 3...4 : 2...3)
    let (x, weight) = (inputs[0], inputs[1])
    try requireFeatureMap(x)
    try require(
      weight.shape.rank == 4 && weight.elementType == .float32
        && weight.shape[2] == geometry.kernel.height && weight.shape[3] == geometry.kernel.width,
      "weights of a \(geometry) convolution are float32 [out, in / groups, \(geometry.kernel.height), "
        + "\(geometry.kernel.width)], not \(weight)")
    let channels = x.shape.channels
    try require(
      channels % geometry.groups == 0 && weight.shape[0] % geometry.groups == 0
        && weight.shape[1] == channels / geometry.groups,
      "the input \(x.shape) has \(channels) channels in \(geometry.groups) groups, the weights \(weight.shape) take "
        + "\(weight.shape[1] * geometry.groups)")
    if inputs.count == (addsResidual ? 4 : 3) {
      try require(
        inputs[2] == TensorSpec([weight.shape[0]]),
        "the bias of weights \(weight.shape) is [\(weight.shape[0])], not \(inputs[2])")
    }
    let size = geometry.outputSize(of: Extent2D(height: x.shape.height, width: x.shape.width))
    try require(
      size.height > 0 && size.width > 0 && weight.shape[0] > 0 && channels > 0,
      "a \(geometry) convolution does not fit the input \(x.shape)")
    let output = TensorSpec(try shape([x.shape.batch, size.height, size.width, weight.shape[0]]))
    if addsResidual, let residual = inputs.last {
      try require(residual == output, "what is added to an output \(output) is of its shape, not \(residual)")
    }
    return [output]
  }

  func problem(_ input: TensorSpec, _ output: TensorSpec) -> ConvolutionProblem {
    ConvolutionProblem(.forward, geometry, input: input.shape, output: output.shape)
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    problem(inputs[0], outputs[0]).cost(
      inputs: inputs, outputs: outputs, function: function, hasResidual: addsResidual)
  }

  public var takesRowStrides: Bool { true }

  /// The weights are packed as they lie: contiguous.
  public func takesRowStrides(ofInput index: Int) -> Bool { index != 1 }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    problem(context.inputs[0], context.outputs[0]).prepared(
      context, function: function, hasResidual: addsResidual, exactly: isExact)
  }
}

extension Convolution: ChannelAffineAbsorbing, FunctionAbsorbing, ResidualAbsorbing {
  public func absorbingResidual() -> (any Operator)? {
    function == .identity && !addsResidual && !isExact ? Convolution(geometry, addingResidual: true) : nil
  }

  public func absorbing(
    scale: [Float], shift: [Float], constants: [Tensor?]
  ) -> (operator: any Operator, constants: [Tensor])? {
    guard function == .identity, !addsResidual, !isExact, let weight = constants[1],
      constants.count < 3 || constants[2] != nil
    else {
      return nil
    }
    let folded = weight.scaledAlongAxis(0, by: scale)
    let bias = constants.count > 2 ? constants[2]!.elements(of: Float.self) : nil
    return (self, [folded, Tensor.foldedBias(bias, scale: scale, shift: shift)])
  }

  public func absorbing(_ function: ElementwiseFunction) -> (any Operator)? {
    self.function.followed(by: function).map {
      Convolution(geometry, function: $0, addingResidual: addsResidual, exactly: isExact)
    }
  }
}

extension Value {
  /// Applies a convolution with the parameters `name.weight`, initially He-normal by default, and, with `bias`, `name.bias`.
  ///
  /// The default `padding`, dilation · (k − 1) / 2, keeps the size of the map for odd kernels at stride 1.
  public func conv(
    _ name: String, _ outChannels: Int, kernel: Extent2D, stride: Extent2D = 1, padding: Padding2D? = nil,
    dilation: Extent2D = 1, groups: Int = 1, bias: Bool = true, initializer: Initializer? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let geometry = ConvolutionGeometry(
      kernel: kernel, stride: stride, dilation: dilation, padding: padding ?? .keepingSize(kernel, dilation: dilation),
      groups: groups)
    let parameters = convolutionParameters(name, outChannels, geometry, bias: bias, initializer, file, line)
    return apply(Convolution(geometry), named: name, with: parameters, file: file, line: line)
  }

  /// Returns the parameters of a convolution of the map: `name.weight`, initially He-normal by default, and, with `bias`, `name.bias`.
  func convolutionParameters(
    _ name: String, _ outChannels: Int, _ geometry: ConvolutionGeometry, bias: Bool, _ initializer: Initializer?,
    _ file: StaticString, _ line: UInt
  ) -> [Value] {
    graph.scope(name) {
      let (inputs, kernel) = (channels / geometry.groups, geometry.kernel)
      let fanIn = inputs * kernel.height * kernel.width
      let weight = graph.parameter(
        "weight", [outChannels, inputs, kernel.height, kernel.width],
        initializer: initializer ?? .heNormal(fanIn: fanIn), file: file, line: line)
      return bias
        ? [weight, graph.parameter("bias", [outChannels], initializer: .constant(0), file: file, line: line)] : [weight]
    }
  }
}

extension Convolution: Convolving {
  public var direction: ConvolutionDirection { .forward }
  public var outputPadding: Extent2D { 0 }
}

extension Convolution: PermutationAbsorbing {
  /// The most weights for ``PlanarConvolution``. Larger ones are better packed once than read as rows by each tile.
  private static let largestPlanarWeight = 1 << 16

  /// Fuses a transposition to channels first into a 1 × 1 convolution.
  public func absorbing(permutation: [Int], inputs: [TensorSpec]) -> (any Operator)? {
    guard permutation == [0, 3, 1, 2], geometry == ConvolutionGeometry(kernel: 1), !addsResidual, !isExact,
      inputs[1].shape.elementCount <= Convolution.largestPlanarWeight
    else { return nil }
    return PlanarConvolution(function: function)
  }
}

extension Convolution: ConsumerAbsorbing {
  /// Fuses a 2 × 2 max pooling of the output.
  public func computingAlso(_ consumer: any Operator) -> (any Operator)? {
    guard !isExact, let pool = consumer as? MaxPool, pool == PoolingConvolution.pool else { return nil }
    return PoolingConvolution(convolution: self)
  }
}

extension Convolution: PaddingAbsorbing {
  public func absorbing(_ padding: Padding2D) -> (any Operator)? {
    var geometry = geometry
    geometry.padding = geometry.padding + padding
    return Convolution(geometry, function: function, addingResidual: addsResidual, exactly: isExact)
  }
}

extension Convolution {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    // The residual has the output's shape, which may differ from the input's.
    index == 0
      ? geometry.windowReach(of: inputs[0])
      : index == inputs.count - 1 && addsResidual ? .samePixel(of: inputs[index]) : .none
  }
}

extension Convolution: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let axes = [AxisMeaning].following(Array(inputs.prefix(1)), to: outputs[0])
    let x = inputs[0].properties.range.hull(ValueRange(0))
    guard x.isBounded, !addsResidual, let weights = inputs[1].constant, weights.elementType == .float32 else {
      return [ValueProperties(axes: axes)]
    }
    // The bounds of each output channel. Weights that sum to one, as of a blur, keep probabilities.
    let bias = inputs.count > 2 ? inputs[2].constant?.elements(of: Float.self) : nil
    guard inputs.count == 2 || bias != nil else { return [ValueProperties(axes: axes)] }
    let (channels, taps) = (weights.shape[0], weights.count / max(1, weights.shape[0]))
    let range = weights.withElements(of: Float.self) { weights in
      var range: ValueRange?
      for channel in 0..<channels {
        var (positive, negative) = (0.0, 0.0)
        for index in channel * taps..<(channel + 1) * taps {
          let weight = Double(weights[index])
          if weight > 0 { positive += weight } else { negative += weight }
        }
        let shift = Double(bias?[channel] ?? 0)
        let own = ValueRange(
          positive * x.lowest + negative * x.highest + shift, positive * x.highest + negative * x.lowest + shift)
        range = range?.hull(own) ?? own
      }
      return range ?? .everything
    }
    let y = ValueProperties(range: range, axes: axes)
    return Elementwise(function).properties(of: [.init(outputs[0], y)], outputs: outputs)
  }
}

extension Convolution: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let dy = context.gradient(before: function) { Convolution(geometry, addingResidual: addsResidual) }
    let (x, weight) = (context.inputs[0], context.inputs[1])
    var gradients: [Value?] = [
      context.requiresGradient[0] ? dy.convolutionInputGradient(geometry, weight, like: x) : nil,
      context.requiresGradient[1] ? x.apply(ConvolutionWeightGradient(geometry), named: "weight", with: [dy]) : nil,
    ]
    let operands = context.inputs.count - (addsResidual ? 1 : 0)
    if operands > 2 { gradients.append(context.requiresGradient[2] ? dy.summedOverRows(named: "bias") : nil) }
    if addsResidual { gradients.append(dy) }
    return gradients
  }
}

extension Value {
  /// Computes the gradient of a convolution's input from this gradient of its output: the transposed convolution with the same weights.
  func convolutionInputGradient(_ geometry: ConvolutionGeometry, _ weight: Value, like x: Value) -> Value {
    let size = geometry.transposedOutputSize(of: Extent2D(height: shape.height, width: shape.width))
    // Rows and columns that no window reaches, because the stride does not divide the map.
    let rest = Extent2D(height: x.shape.height - size.height, width: x.shape.width - size.width)
    return apply(TransposedConvolution(geometry, outputPadding: rest), named: "input", with: [weight])
  }

  /// Sums all rows (pixels, tokens): the gradient of a bias.
  func summedOverRows(named name: String) -> Value {
    reduce(.sum, axes: Array(0..<shape.rank - 1), keepingAxes: false, named: name)
  }
}
