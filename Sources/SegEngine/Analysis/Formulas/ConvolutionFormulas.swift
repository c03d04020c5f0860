/// Closed formulas of convolutions of stride 1 that keep the size of a map of `height` × `width` pixels: multiply–adds and weights,
/// without bias. `Tests` hold each equal to what the engine counts.
public enum ConvolutionFormulas {
  /// k + (k − 1)(r − 1): extent of a kernel of k taps at rate r.
  public static func effectiveKernel(_ kernel: Int, rate: Int) -> Int { kernel + (kernel - 1) * (rate - 1) }

  /// ⌊(n + 2p − r (k − 1) − 1) / s⌋ + 1: outputs along an axis of n inputs.
  public static func outputSize(_ n: Int, kernel: Int, stride: Int = 1, padding: Int = 0, rate: Int = 1) -> Int {
    (n + 2 * padding - effectiveKernel(kernel, rate: rate)) / stride + 1
  }

  /// (n − 1) · s − 2p + r (k − 1) + 1: outputs of a transposed convolution; with rate 1 (n − 1) · s − 2p + k.
  public static func transposedOutputSize(
    _ n: Int, kernel: Int, stride: Int = 1, padding: Int = 0, rate: Int = 1
  ) -> Int {
    (n - 1) * stride - 2 * padding + effectiveKernel(kernel, rate: rate)
  }

  /// H · W · C_in · C_out · K², at every rate.
  public static func standardMACs(height: Int, width: Int, inputs: Int, outputs: Int, kernel: Int) -> Int {
    height * width * inputs * outputs * kernel * kernel
  }

  /// C_in · C_out · K²
  public static func standardParameters(inputs: Int, outputs: Int, kernel: Int) -> Int {
    inputs * outputs * kernel * kernel
  }

  /// H · W · C_in · K² + H · W · C_in · C_out: depthwise, then pointwise.
  public static func separableMACs(height: Int, width: Int, inputs: Int, outputs: Int, kernel: Int) -> Int {
    height * width * inputs * kernel * kernel + height * width * inputs * outputs
  }

  /// C_in · K² + C_in · C_out
  public static func separableParameters(inputs: Int, outputs: Int, kernel: Int) -> Int {
    inputs * kernel * kernel + inputs * outputs
  }

  /// How many times fewer multiply–adds a separable convolution takes: K² C_out / (K² + C_out), which grows to its limit K² with the
  /// number of outputs. With few outputs it is far from that: at C_out = K² it is half of it.
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

  /// H · W · C² · 2K: K×1, then 1×K, both of C channels. For K = 5 ten instead of 25 multiply–adds a pair of channels.
  public static func asymmetricMACs(height: Int, width: Int, channels: Int, kernel: Int) -> Int {
    height * width * channels * channels * 2 * kernel
  }

  /// C_in · C_out · K² + C_out: weights and bias of a transposed convolution.
  public static func transposedParameters(inputs: Int, outputs: Int, kernel: Int) -> Int {
    inputs * outputs * kernel * kernel + outputs
  }

  /// H · W · C_in · C_out · K² on the size of its input.
  public static func transposedMACs(height: Int, width: Int, inputs: Int, outputs: Int, kernel: Int) -> Int {
    height * width * inputs * outputs * kernel * kernel
  }

  /// 1 + Σ (k_l − 1) · Π of the strides before: receptive field of a chain of convolutions and poolings. For n layers of stride 1 and
  /// rates r_l it is 1 + (k − 1) Σ r_l: it grows linearly with depth at a fixed rate, exponentially where the rates double.
  public static func receptiveField(kernels: [Int], strides: [Int], rates: [Int]) -> Int {
    precondition(kernels.count == strides.count && kernels.count == rates.count, "one kernel, stride and rate a layer")
    var (field, jump) = (1, 1)
    for ((kernel, stride), rate) in zip(zip(kernels, strides), rates) {
      field += (effectiveKernel(kernel, rate: rate) - 1) * jump
      jump *= stride
    }
    return field
  }

  /// 8 · ((k − 1) · r + 4): what table 2 of DeepLab v1 (Chen et al. 2015) calls the receptive field of its last convolution, of k taps at
  /// rate r on a map of output stride 8. Its ``receptiveField(kernels:strides:rates:)`` in the image is larger.
  public static func deepLabFieldOfView(kernel: Int, rate: Int) -> Int { 8 * ((kernel - 1) * rate + 4) }

  /// 2ⁿ: total down-sampling of n steps of stride 2.
  public static func downsampling(steps: Int) -> Int { 1 << steps }

  /// The mean distance from a pixel to the centre of its cell where one label is given for s × s pixels, in pixels:
  /// (√2 + ln(1 + √2)) / 6 · s ≈ 0.3826 · s. What an output stride costs in localisation where nothing refines it.
  public static func localizationError(outputStride: Int) -> Double { 0.382_597_858_232_106 * Double(outputStride) }
}
