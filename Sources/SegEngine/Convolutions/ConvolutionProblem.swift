/// One convolution on given shapes: what an algorithm is asked to do.
public struct ConvolutionProblem: Hashable, Sendable {
  /// Whether it is transposed.
  public let direction: ConvolutionDirection
  /// Kernel, stride, dilation, padding and groups.
  public let geometry: ConvolutionGeometry
  /// Images.
  public let batch: Int
  /// Height and width of the input in pixels.
  public let input: Extent2D
  /// Channels of the input.
  public let inputChannels: Int
  /// Height and width of the output in pixels.
  public let output: Extent2D
  /// Channels of the output.
  public let outputChannels: Int

  init(_ direction: ConvolutionDirection, _ geometry: ConvolutionGeometry, input: Shape, output: Shape) {
    self.direction = direction
    self.geometry = geometry
    batch = input.batch
    self.input = Extent2D(height: input.height, width: input.width)
    inputChannels = input.channels
    self.output = Extent2D(height: output.height, width: output.width)
    outputChannels = output.channels
  }

  /// Input channels of a group.
  public var groupInputs: Int { inputChannels / geometry.groups }
  /// Output channels of a group.
  public var groupOutputs: Int { outputChannels / geometry.groups }
  /// Taps of the kernel.
  public var taps: Int { geometry.kernel.height * geometry.kernel.width }
  /// Output pixels of one image.
  public var outputPixels: Int { output.height * output.width }
  /// Input pixels of one image.
  public var inputPixels: Int { input.height * input.width }

  /// Multiply–adds by the definition: every tap of every output (or, transposed, of every input), on padding too.
  public var macs: Int {
    let pixels = direction == .forward ? outputPixels : inputPixels
    return direction == .forward
      ? batch * pixels * outputChannels * groupInputs * taps : batch * pixels * inputChannels * groupOutputs * taps
  }

  func window(pixelStride: Int) -> SlidingWindow {
    SlidingWindow(
      inputHeight: input.height, inputWidth: input.width, pixelStride: pixelStride, geometry: geometry,
      outputWidth: output.width)
  }
}

extension ConvolutionProblem {
  /// What one run costs, by the definition of a convolution or its transpose with operands x, weights, perhaps a bias, and with
  /// `hasResidual` a map that is added.
  func cost(
    inputs: [TensorSpec], outputs: [TensorSpec], function: ElementwiseFunction, hasResidual: Bool = false
  ) -> Cost {
    let parameters = inputs.dropFirst().dropLast(hasResidual ? 1 : 0)
    return Cost(
      macs: macs, otherOperations: outputs[0].shape.elementCount * (inputs.count - 2 + function.operationCount),
      parameters: parameters.reduce(0) { $0 + $1.shape.elementCount }, reading: inputs, writing: outputs)
  }
}
