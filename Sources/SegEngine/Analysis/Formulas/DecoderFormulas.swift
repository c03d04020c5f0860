#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Closed formulas for decoders that combine maps of several scales.
public enum DecoderFormulas {
  /// The number of elements in all maps of a U-Net++ (Zhou et al. 2018) of depth n. Row i has n + 1 − i maps of `width`
  /// · 2ⁱ channels on (H / 2ⁱ) × (W / 2ⁱ) pixels, so the sum is
  ///
  ///     Σ over i of (n + 1 − i) · width · H · W / 2ⁱ.
  ///
  /// A U-Net has two maps per row, except for the last row. In the first row, which is the largest, U-Net++ needs (n +
  /// 1) / 2 times as much.
  public static func denseSkipElements(height: Int, width: Int, channels: Int, depth n: Int) -> Int {
    (0...n).reduce(0) { $0 + (n + 1 - $1) * channels * (height >> $1) * (width >> $1) << $1 }
  }

  /// The number of elements in the maps of a U-Net: two maps per row, one in the last row.
  public static func skipElements(height: Int, width: Int, channels: Int, depth n: Int) -> Int {
    (0...n).reduce(0) { $0 + ($1 == n ? 1 : 2) * channels * (height >> $1) * (width >> $1) << $1 }
  }

  /// The input channels of all L layers of a dense block with growth g (Huang et al. 2017): the sum of C + (l − 1) · g
  /// over l, which is L · C + g · L (L − 1) / 2. It is quadratic in the depth if every concatenation is written to
  /// memory.
  public static func denseBlockInputChannels(inputs: Int, growth: Int, layers: Int) -> Int {
    layers * inputs + growth * layers * (layers - 1) / 2
  }

  /// The multiply–adds of atrous spatial pyramid pooling (Chen et al. 2017): a 1×1 and n 3×3 convolutions in parallel,
  /// a 1×1 on the pooled pixel, and a 1×1 projection: H W C_in C_out (1 + 9 n) + C_in C_out + H W (n + 2) C_out².
  /// Independent of the dilations.
  public static func pyramidPoolingMACs(height: Int, width: Int, inputs: Int, outputs: Int, rates n: Int) -> Int {
    height * width * inputs * outputs * (1 + 9 * n) + inputs * outputs
      + height * width * (n + 2) * outputs * outputs
  }

  /// The multiply–adds of the same 3×3 convolutions in series: H W (9 C_in C_out + 9 (n − 1) C_out²). All but the first
  /// take C_out / C_in of the parallel cost, and the receptive field accumulates.
  public static func serialAtrousMACs(height: Int, width: Int, inputs: Int, outputs: Int, rates n: Int) -> Int {
    n == 0 ? 0 : height * width * 9 * (inputs * outputs + (n - 1) * outputs * outputs)
  }

  /// The number of elements in a feature pyramid (Lin et al. 2017) of C channels at strides `first`, 2 · `first`, …: a
  /// geometric series below 4/3 of its finest map.
  public static func pyramidElements(height: Int, width: Int, channels: Int, firstStride: Int, levels: Int) -> Int {
    (0..<levels).reduce(0) { $0 + channels * (height / (firstStride << $1)) * (width / (firstStride << $1)) }
  }

  /// (1 − p)^γ: the factor that the focal loss (Lin et al. 2017) applies to cross-entropy if the true class has
  /// probability p; 1/100 for p = 0.9 and γ = 2.
  public static func focalFactor(probability: Double, gamma: Double) -> Double { pow(1 - probability, gamma) }
}
