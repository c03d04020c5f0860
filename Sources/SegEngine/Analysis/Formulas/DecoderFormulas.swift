#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Closed formulas of how maps of several scales are joined.
public enum DecoderFormulas {
  /// Numbers that the maps of level j = 0 … n − i of row i of a U-Net++ (Zhou et al. 2018) of depth n hold when all are kept: row i has
  /// n + 1 − i maps of `width` · 2ⁱ channels on (H / 2ⁱ) × (W / 2ⁱ) pixels, so
  ///
  /// Σ over i of (n + 1 − i) · width · H · W / 2ⁱ.
  ///
  /// A U-Net keeps two a row but for the last: dense skips cost about (n + 1) / 2 times as much in the topmost row, which is the largest.
  public static func denseSkipElements(height: Int, width: Int, channels: Int, depth n: Int) -> Int {
    (0...n).reduce(0) { $0 + (n + 1 - $1) * channels * (height >> $1) * (width >> $1) << $1 }
  }

  /// The same for a U-Net: two maps a row, one in the last.
  public static func skipElements(height: Int, width: Int, channels: Int, depth n: Int) -> Int {
    (0...n).reduce(0) { $0 + ($1 == n ? 1 : 2) * channels * (height >> $1) * (width >> $1) << $1 }
  }

  /// Channels that layer l of a dense block of growth g sees, C + (l − 1) · g, summed over its L layers (Huang et al. 2017):
  /// L · C + g · L (L − 1) / 2, which grows with the square of the depth where every joined map is written anew.
  public static func denseBlockInputChannels(inputs: Int, growth: Int, layers: Int) -> Int {
    layers * inputs + growth * layers * (layers - 1) / 2
  }

  /// Multiply–adds of atrous spatial pyramid pooling (Chen et al. 2017): a 1×1 and `rates` 3×3 convolutions side by side, a 1×1 of the
  /// pooled pixel, and a 1×1 that joins them: H W C_in C_out (1 + 9 n) + C_in C_out + H W (n + 2) C_out². Rates do not matter.
  public static func pyramidPoolingMACs(height: Int, width: Int, inputs: Int, outputs: Int, rates n: Int) -> Int {
    height * width * inputs * outputs * (1 + 9 * n) + inputs * outputs
      + height * width * (n + 2) * outputs * outputs
  }

  /// Multiply–adds of the same 3×3 convolutions one after the other: H W (9 C_in C_out + 9 (n − 1) C_out²). Less by the factor
  /// C_in / C_out, and each sees through the ones before it.
  public static func serialAtrousMACs(height: Int, width: Int, inputs: Int, outputs: Int, rates n: Int) -> Int {
    n == 0 ? 0 : height * width * 9 * (inputs * outputs + (n - 1) * outputs * outputs)
  }

  /// Numbers in the maps of a feature pyramid (Lin et al. 2017) of C channels at strides `first`, 2 · `first`, …: a geometric series that
  /// stays below 4/3 of its finest map.
  public static func pyramidElements(height: Int, width: Int, channels: Int, firstStride: Int, levels: Int) -> Int {
    (0..<levels).reduce(0) { $0 + channels * (height / (firstStride << $1)) * (width / (firstStride << $1)) }
  }

  /// (1 − p)^γ: what the focal loss (Lin et al. 2017) multiplies cross-entropy by where the true class has probability p; at p = 0.9 and
  /// γ = 2 a hundredth.
  public static func focalFactor(probability: Double, gamma: Double) -> Double { pow(1 - probability, gamma) }
}
