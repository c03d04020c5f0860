/// The geometry of a convolution or pooling, which determines the inputs of each output.
public struct ConvolutionGeometry: Hashable, Sendable, CustomStringConvertible {
  /// Taps along height and width.
  public var kernel: Extent2D
  /// Input pixels from one output to the next.
  public var stride: Extent2D
  /// Input pixels from one tap to the next: 1 for an ordinary convolution, more for an atrous one.
  public var dilation: Extent2D
  /// Zeros around the image.
  public var padding: Padding2D
  /// The number of groups; the channels of a group are convolved separately.
  public var groups: Int

  /// Describes a convolution.
  ///
  /// - Precondition: kernel, stride, dilation and groups are positive.
  public init(
    kernel: Extent2D, stride: Extent2D = 1, dilation: Extent2D = 1, padding: Padding2D = 0, groups: Int = 1
  ) {
    precondition(kernel.height > 0 && kernel.width > 0, "a kernel has taps: \(kernel)")
    precondition(stride.height > 0 && stride.width > 0, "a stride is positive: \(stride)")
    precondition(dilation.height > 0 && dilation.width > 0, "a dilation is positive: \(dilation)")
    precondition(groups > 0, "groups are positive: \(groups)")
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
    self.groups = groups
  }

  /// The extent of the dilated kernel, k + (k − 1)(r − 1) along each axis.
  public var effectiveKernel: Extent2D {
    Extent2D(height: (kernel.height - 1) * dilation.height + 1, width: (kernel.width - 1) * dilation.width + 1)
  }

  /// Computes the number of outputs, ⌊(in + padding − effective kernel) / stride⌋ + 1 along each axis.
  ///
  /// With `roundingUp` it is the ceiling, without a last window that would start beyond the image and its leading padding (the rule of
  /// PyTorch's `ceil_mode`); a window may then be larger than the image by less than the stride. It is zero if the kernel does not fit.
  public func outputSize(of input: Extent2D, roundingUp: Bool = false) -> Extent2D {
    func outputs(_ input: Int, _ before: Int, _ after: Int, _ effective: Int, _ stride: Int) -> Int {
      let room = input + before + after - effective
      guard room > (roundingUp ? -stride : -1) else { return 0 }
      var count = (roundingUp ? (room + stride - 1) / stride : room / stride) + 1
      if roundingUp && (count - 1) * stride >= input + before { count -= 1 }
      return count
    }
    let effective = effectiveKernel
    return Extent2D(
      height: outputs(input.height, padding.top, padding.bottom, effective.height, stride.height),
      width: outputs(input.width, padding.left, padding.right, effective.width, stride.width))
  }

  /// Computes the number of outputs of the transposed convolution, (in − 1) · stride − padding + effective kernel + output padding.
  public func transposedOutputSize(of input: Extent2D, outputPadding: Extent2D = 0) -> Extent2D {
    let effective = effectiveKernel
    return Extent2D(
      height: (input.height - 1) * stride.height - padding.top - padding.bottom + effective.height
        + outputPadding.height,
      width: (input.width - 1) * stride.width - padding.left - padding.right + effective.width + outputPadding.width)
  }

  /// Whether it is a 1×1 convolution of stride 1 without padding, so that outputs and input pixels correspond one to one.
  public var isPointwise: Bool {
    kernel == 1 && stride == 1 && padding == 0
  }

  public var description: String {
    var parts = [kernel.height == kernel.width ? "\(kernel)×\(kernel)" : "\(kernel)"]
    if stride != 1 { parts.append("stride \(stride)") }
    if dilation != 1 { parts.append("dilation \(dilation)") }
    if padding != 0 { parts.append("padding \(padding)") }
    if groups != 1 { parts.append("groups \(groups)") }
    return parts.joined(separator: " ")
  }
}
