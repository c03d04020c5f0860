/// One convolution on given shapes: the task of an algorithm.
public struct ConvolutionProblem: Hashable, Sendable {
  /// Forward or transposed.
  public let direction: ConvolutionDirection
  /// Kernel, stride, dilation, padding and groups.
  public let geometry: ConvolutionGeometry
  /// The number of images.
  public let batch: Int
  /// Height and width of the input in pixels.
  public let input: Extent2D
  /// Channels of the input.
  public let inputChannels: Int
  /// Height and width of the output in pixels.
  public let output: Extent2D
  /// Channels of the output.
  public let outputChannels: Int
  /// The places of the weights in memory.
  let weights: WeightLayout

  init(_ direction: ConvolutionDirection, _ geometry: ConvolutionGeometry, input: Shape, output: Shape) {
    self.direction = direction
    self.geometry = geometry
    batch = input.batch
    self.input = Extent2D(height: input.height, width: input.width)
    inputChannels = input.channels
    self.output = Extent2D(height: output.height, width: output.width)
    outputChannels = output.channels
    let (inputs, outputs) = (inputChannels / geometry.groups, outputChannels / geometry.groups)
    let taps = geometry.kernel.height * geometry.kernel.width
    weights =
      direction == .forward
      ? WeightLayout(group: outputs * inputs * taps, output: inputs * taps, input: taps, taps: taps)
      : WeightLayout(group: outputs * inputs * taps, output: taps, input: outputs * taps, taps: taps)
  }

  /// Makes the forward problem of a transposed one of stride 1 with other padding and turned taps.
  private init(turning other: ConvolutionProblem, padding: Padding2D) {
    direction = .forward
    var geometry = other.geometry
    geometry.padding = padding
    self.geometry = geometry
    (batch, input, inputChannels) = (other.batch, other.input, other.inputChannels)
    (output, outputChannels) = (other.output, other.outputChannels)
    weights = other.weights.turned
  }

  /// The forward convolution that equals a transposed one of stride 1: its taps are in reverse order, and its padding on each side is
  /// dilation · (kernel − 1) minus the transposed one's padding. `nil` for other strides, and if a padding would be negative.
  var turned: ConvolutionProblem? {
    guard direction == .transposed, geometry.stride == 1 else { return nil }
    let (height, width) = (geometry.effectiveKernel.height - 1, geometry.effectiveKernel.width - 1)
    let (top, left) = (height - geometry.padding.top, width - geometry.padding.left)
    // Output padding adds to the bottom and to the right.
    let (bottom, right) = (
      output.height - input.height + height - top, output.width - input.width + width - left
    )
    guard min(top, left, bottom, right) >= 0 else { return nil }
    return ConvolutionProblem(
      turning: self, padding: Padding2D(top: top, left: left, bottom: bottom, right: right))
  }

  /// Input channels per group.
  public var groupInputs: Int { inputChannels / geometry.groups }
  /// Output channels per group.
  public var groupOutputs: Int { outputChannels / geometry.groups }
  /// The number of taps of the kernel.
  public var taps: Int { geometry.kernel.height * geometry.kernel.width }
  /// Output pixels of one image.
  public var outputPixels: Int { output.height * output.width }
  /// Input pixels of one image.
  public var inputPixels: Int { input.height * input.width }

  /// Multiply–adds by the definition: every tap of every output (or, transposed, of every input), those on padding included.
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
  /// Computes the cost of one run, by the definition of a convolution or its transpose. The operands are x, weights, optionally a bias, and
  /// with `hasResidual` a residual.
  func cost(
    inputs: [TensorSpec], outputs: [TensorSpec], function: ElementwiseFunction, hasResidual: Bool = false
  ) -> Cost {
    let parameters = inputs.dropFirst().dropLast(hasResidual ? 1 : 0)
    return Cost(
      macs: macs, otherOperations: outputs[0].shape.elementCount * (inputs.count - 2 + function.operationCount),
      parameters: parameters.reduce(0) { $0 + $1.shape.elementCount }, reading: inputs, writing: outputs)
  }
}
