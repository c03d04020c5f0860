/// Closed formulas for upsampling methods with factor s, from `height` × `width` pixels of C_in channels to C_out
/// channels.
public enum UpsamplingFormulas {
  /// The cost of a method.
  public struct Figures: Hashable, Sendable {
    /// Weights and biases.
    public let parameters: Int
    /// Multiply–adds of products.
    public let macs: Int
    /// Operations outside multiply–adds.
    public let otherOperations: Int
    /// The number of elements written, including the output.
    public let writtenElements: Int
  }

  /// Bilinear: no weights; two multiplications and two additions per element in each of two passes. The pass along the
  /// height comes first and writes sH × W pixels. C_out = C_in.
  public static func bilinear(height: Int, width: Int, channels: Int, factor: Int) -> Figures {
    let vertical = factor * height * width * channels
    let output = factor * factor * height * width * channels
    return Figures(parameters: 0, macs: 0, otherOperations: 4 * (vertical + output), writtenElements: output)
  }

  /// Transposed convolution with kernel K, stride s, padding (K − s) / 2 and bias: C_in · C_out · K² + C_out
  /// parameters, H · W · C_in · C_out · K² multiply–adds on the input's size, and one addition per output for the bias.
  ///
  /// - Precondition: K − s is even and not negative.
  public static func transposed(
    height: Int, width: Int, inputs: Int, outputs: Int, factor: Int, kernel: Int
  ) -> Figures {
    precondition(
      kernel >= factor && (kernel - factor) % 2 == 0,
      "the kernel \(kernel) minus the factor \(factor) must be even and not negative")
    let output = factor * factor * height * width * outputs
    return Figures(
      parameters: ConvolutionFormulas.transposedParameters(inputs: inputs, outputs: outputs, kernel: kernel),
      macs: ConvolutionFormulas.transposedMACs(
        height: height, width: width, inputs: inputs, outputs: outputs, kernel: kernel), otherOperations: output,
      writtenElements: output)
  }

  /// Sub-pixel convolution (Shi et al. 2016): a K×K convolution to s² · C_out channels with bias, then pixel shuffle.
  /// The output is written twice.
  public static func subpixel(
    height: Int, width: Int, inputs: Int, outputs: Int, factor: Int, kernel: Int
  ) -> Figures {
    let channels = factor * factor * outputs
    let output = height * width * channels
    return Figures(
      parameters: inputs * channels * kernel * kernel + channels,
      macs: ConvolutionFormulas.standardMACs(
        height: height, width: width, inputs: inputs, outputs: channels, kernel: kernel), otherOperations: output,
      writtenElements: 2 * output)
  }
}
