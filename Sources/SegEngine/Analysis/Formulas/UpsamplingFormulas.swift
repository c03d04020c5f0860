/// Closed formulas of the ways to make a map s times as high and wide: from `height` × `width` pixels of C_in channels to C_out.
public enum UpsamplingFormulas {
  /// What a way costs.
  public struct Figures: Hashable, Sendable {
    /// Weights and biases.
    public let parameters: Int
    /// Multiply–adds of products.
    public let macs: Int
    /// Operations besides.
    public let otherOperations: Int
    /// Numbers that are written, the output among them.
    public let writtenElements: Int
  }

  /// Bilinear: no weights; two multiplications and two additions an element for each of two passes, along the height first, so that the
  /// first pass makes sH × W pixels. C_out = C_in.
  public static func bilinear(height: Int, width: Int, channels: Int, factor: Int) -> Figures {
    let vertical = factor * height * width * channels
    let output = factor * factor * height * width * channels
    return Figures(parameters: 0, macs: 0, otherOperations: 4 * (vertical + output), writtenElements: output)
  }

  /// A transposed convolution of kernel K, stride s and padding (K − s) / 2 with bias: C_in · C_out · K² + C_out parameters,
  /// H · W · C_in · C_out · K² multiply–adds on the input's size, an addition an output for the bias.
  ///
  /// - Precondition: K − s is even and not negative.
  public static func transposed(
    height: Int, width: Int, inputs: Int, outputs: Int, factor: Int, kernel: Int
  ) -> Figures {
    precondition(kernel >= factor && (kernel - factor) % 2 == 0, "a kernel of \(kernel) for a factor of \(factor)")
    let output = factor * factor * height * width * outputs
    return Figures(
      parameters: ConvolutionFormulas.transposedParameters(inputs: inputs, outputs: outputs, kernel: kernel),
      macs: ConvolutionFormulas.transposedMACs(
        height: height, width: width, inputs: inputs, outputs: outputs, kernel: kernel), otherOperations: output,
      writtenElements: output)
  }

  /// Sub-pixel (Shi et al. 2016): a K×K convolution to s² · C_out channels with bias, then a reshuffle. It writes its output twice.
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
