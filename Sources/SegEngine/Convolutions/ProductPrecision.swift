/// The number format of the factors that convolutions multiply. Sums, feature maps and everything else are float32 in any case.
public enum ProductPrecision: String, CaseIterable, Sendable {
  /// Factors of 24 significant bits.
  case float32
  /// Factors of 8 significant bits, where an algorithm in this format is estimated to be faster than all in float32.
  ///
  /// Weights are rounded once, when they are packed; pixels, or their Winograd transforms, while a convolution runs; each to nearest, ties to
  /// even. It is for processors whose products of bfloat16 are faster than those of float32 (AMD's with AVX512-BF16); others compute in
  /// float32. Convolutions of 3×3 and stride 1 are computed so, by Winograd's F(6 × 6).
  ///
  /// Rounding the weights shifts the mean of each channel, which shows where a network's contrasts are small: masks of U²-Net† on three photos
  /// differ from those of float32 by 0.007 to 0.03 in the mean, a pupil's mean IoU by 0.0002.
  case bfloat16
}
