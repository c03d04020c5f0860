/// Closed formulas for convolutions of stride 1 with "same" padding on a map of `height` × `width` pixels:
/// multiply–adds and weights, without bias. Tests compare each with the engine's count.
public enum ConvolutionFormulas {
  /// k + (k − 1)(r − 1): the extent of a kernel of k taps with dilation r.
  public static func effectiveKernel(_ kernel: Int, rate: Int) -> Int { kernel + (kernel - 1) * (rate - 1) }

  /// ⌊(n + 2p − r (k − 1) − 1) / s⌋ + 1: the output size along an axis of n inputs.
  public static func outputSize(_ n: Int, kernel: Int, stride: Int = 1, padding: Int = 0, rate: Int = 1) -> Int {
    (n + 2 * padding - effectiveKernel(kernel, rate: rate)) / stride + 1
  }

  /// (n − 1) · s − 2p + r (k − 1) + 1: the output size of a transposed convolution; (n − 1) · s − 2p + k for dilation
  /// 1.
  public static func transposedOutputSize(
    _ n: Int, kernel: Int, stride: Int = 1, padding: Int = 0, rate: Int = 1
  ) -> Int {
    (n - 1) * stride - 2 * padding + effectiveKernel(kernel, rate: rate)
  }

  /// H · W · C_in · C_out · K², independent of dilation.
  public static func standardMACs(height: Int, width: Int, inputs: Int, outputs: Int, kernel: Int) -> Int {
    height * width * inputs * outputs * kernel * kernel
  }

  /// C_in · C_out · K²
  public static func standardParameters(inputs: Int, outputs: Int, kernel: Int) -> Int {
    inputs * outputs * kernel * kernel
  }

  /// H · W · C_in · K² + H · W · C_in · C_out: depthwise and pointwise.
  public static func separableMACs(height: Int, width: Int, inputs: Int, outputs: Int, kernel: Int) -> Int {
    height * width * inputs * kernel * kernel + height * width * inputs * outputs
  }

  /// C_in · K² + C_in · C_out
  public static func separableParameters(inputs: Int, outputs: Int, kernel: Int) -> Int {
    inputs * kernel * kernel + inputs * outputs
  }

  /// The reduction of multiply–adds by a separable convolution: K² C_out / (K² + C_out). It rises with the number of
  /// outputs to the limit K², and is half of it at C_out = K².
  public static func separableReduction(outputs: Int, kernel: Int) -> Double {
    let taps = Double(kernel * kernel)
    return taps * Double(outputs) / (taps + Double(outputs))
  }

  /// H · W · (C_in · C_b + C_b² · K² + C_b · C_out): 1×1, K×K, 1×1.
  public static func bottleneckMACs(
    height: Int, width: Int, inputs: Int, bottleneck: Int, outputs: Int, kernel: Int
  ) -> Int {
    height * width * (inputs * bottleneck + bottleneck * bottleneck * kernel * kernel + bottleneck * outputs)
  }

  /// H · W · C² · 2K: K×1 and 1×K, both with C channels. For K = 5 these are 10 instead of 25 multiply–adds per pair of
  /// channels.
  public static func asymmetricMACs(height: Int, width: Int, channels: Int, kernel: Int) -> Int {
    height * width * channels * channels * 2 * kernel
  }

  /// C_in · C_out · K² + C_out: the weights and bias of a transposed convolution.
  public static func transposedParameters(inputs: Int, outputs: Int, kernel: Int) -> Int {
    inputs * outputs * kernel * kernel + outputs
  }

  /// H · W · C_in · C_out · K², on the size of the input.
  public static func transposedMACs(height: Int, width: Int, inputs: Int, outputs: Int, kernel: Int) -> Int {
    height * width * inputs * outputs * kernel * kernel
  }

  /// 1 + Σ (k_l − 1) · Π of the preceding strides: the receptive field of a chain of convolutions and poolings. For n
  /// layers of stride 1 with dilations r_l it is 1 + (k − 1) Σ r_l: linear in depth for a fixed dilation, exponential
  /// if the dilation doubles.
  public static func receptiveField(kernels: [Int], strides: [Int], rates: [Int]) -> Int {
    precondition(
      kernels.count == strides.count && kernels.count == rates.count,
      "kernels, strides and rates must have one value per layer")
    var (field, jump) = (1, 1)
    for ((kernel, stride), rate) in zip(zip(kernels, strides), rates) {
      field += (effectiveKernel(kernel, rate: rate) - 1) * jump
      jump *= stride
    }
    return field
  }

  /// 8 · ((k − 1) · r + 4): the value that table 2 of DeepLab v1 (Chen et al. 2015) calls the receptive field of its
  /// last convolution, with k taps and dilation r on a map of output stride 8. The
  /// ``receptiveField(kernels:strides:rates:)`` in the image is larger.
  public static func deepLabFieldOfView(kernel: Int, rate: Int) -> Int { 8 * ((kernel - 1) * rate + 4) }

  /// 2ⁿ: the downsampling factor of n steps of stride 2.
  public static func downsampling(steps: Int) -> Int { 1 << steps }

  /// The mean localisation error in pixels of an output stride s without refinement: the mean distance from a pixel to
  /// the centre of its s × s cell, (√2 + ln(1 + √2)) / 6 · s ≈ 0.3826 · s.
  public static func localizationError(outputStride: Int) -> Double { 0.382_597_858_232_106 * Double(outputStride) }
}
