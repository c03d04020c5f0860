/// The number format of the factors of convolutions' products. Sums and feature maps are float32 in either format.
public enum ProductPrecision: String, CaseIterable, Sendable {
  /// Factors with a significand of 24 bits.
  case float32
  /// Factors with a significand of 8 bits, for convolutions for which a bfloat16 algorithm is estimated to be the fastest.
  ///
  /// Such an algorithm exists for 3×3 convolutions of stride 1: Winograd's F(6 × 6). Transformed weights are rounded when they are packed,
  /// transformed pixels in each run, both to nearest, ties to even. Processors whose bfloat16 products are not faster than float32 products
  /// compute in float32; faster are those of AMD with AVX512-BF16.
  ///
  /// Rounding the weights adds an error to the mean of each output channel, which affects networks with small differences between logits most.
  /// On three photos the masks of U²-Net† (values from 0 to 1) differed from those in float32 by 0.007 to 0.035 on average; the mean IoU of the
  /// pupil network changed by 0.0002.
  case bfloat16

  /// The number of factors in a 32-bit word.
  var wordTerms: Int {
    switch self {
    case .float32: 1
    case .bfloat16: 2
    }
  }
}
