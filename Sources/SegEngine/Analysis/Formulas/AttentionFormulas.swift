/// Closed formulas of self-attention over the N = H · W / P² patches of an image, beside those of convolutions.
public enum AttentionFormulas {
  /// N = (H / P) · (W / P)
  public static func tokens(height: Int, width: Int, patch: Int) -> Int { (height / patch) * (width / patch) }

  /// 2 · N² · d: scores and their products with the values, over all heads.
  public static func scoreMACs(tokens: Int, width d: Int) -> Int { 2 * tokens * tokens * d }

  /// 4 · N · d²: queries, keys, values and the projection of the result.
  public static func projectionMACs(tokens: Int, width d: Int) -> Int { 4 * tokens * d * d }

  /// 4 · d² + 4 · d: weights and biases of the four projections.
  public static func parameters(width d: Int) -> Int { 4 * d * d + 4 * d }

  /// (4 d² + 4 d) / (K² C² + C): parameters of self-attention of width d to those of a K×K convolution of C channels, biases included.
  /// With d = C and K = 3 it is about 4/9: attention has fewer.
  public static func parameterRatio(width d: Int, kernel: Int, channels: Int) -> Double {
    Double(parameters(width: d)) / Double(kernel * kernel * channels * channels + channels)
  }

  /// N² · heads numbers of scores, which a naive evaluation holds at once.
  public static func scoreElements(tokens: Int, heads: Int) -> Int { tokens * tokens * heads }

  /// The number of tokens at which scores cost as much as the four projections: 2 N² d = 4 N d², N = 2 d.
  public static func tokensWhereScoresEqualProjections(width d: Int) -> Int { 2 * d }

  /// The side of a square image from which on attention over patches of P × P (2 N² d + 4 N d²) costs more than a K×K convolution of C
  /// channels on its pixels (K² · S² · C²), in pixels; 0 where it always does.
  ///
  /// With N = S² / P²: 2 S² d / P⁴ + 4 d² / P² = K² C², so S² = P⁴ (K² C² − 4 d² / P²) / (2 d).
  public static func crossingSide(patch: Int, width d: Int, kernel: Int, channels: Int) -> Double {
    let (p, d) = (Double(patch), Double(d))
    let convolution = Double(kernel * kernel) * Double(channels) * Double(channels)
    let square = p * p * p * p * (convolution - 4 * d * d / (p * p)) / (2 * d)
    return square > 0 ? square.squareRoot() : 0
  }
}
