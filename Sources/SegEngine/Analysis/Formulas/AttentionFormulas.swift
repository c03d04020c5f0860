/// Closed formulas for self-attention over the N = H · W / P² patches of an image, for comparison with convolutions.
public enum AttentionFormulas {
  /// N = (H / P) · (W / P)
  public static func tokens(height: Int, width: Int, patch: Int) -> Int { (height / patch) * (width / patch) }

  /// 2 · N² · d: the scores and their products with the values, over all heads.
  public static func scoreMACs(tokens: Int, width d: Int) -> Int { 2 * tokens * tokens * d }

  /// 4 · N · d²: the projections of queries, keys, values and the result.
  public static func projectionMACs(tokens: Int, width d: Int) -> Int { 4 * tokens * d * d }

  /// 4 · d² + 4 · d: weights and biases of the four projections.
  public static func parameters(width d: Int) -> Int { 4 * d * d + 4 * d }

  /// (4 d² + 4 d) / (K² C² + C): the parameters of self-attention of width d relative to those of a K×K convolution
  /// with C channels, biases included. About 4/9 for d = C and K = 3.
  public static func parameterRatio(width d: Int, kernel: Int, channels: Int) -> Double {
    Double(parameters(width: d)) / Double(kernel * kernel * channels * channels + channels)
  }

  /// N² · heads: the number of scores, which a direct evaluation stores at once.
  public static func scoreElements(tokens: Int, heads: Int) -> Int { tokens * tokens * heads }

  /// The number of tokens for which scores cost as much as the four projections: 2 N² d = 4 N d², so N = 2 d.
  public static func tokensWhereScoresEqualProjections(width d: Int) -> Int { 2 * d }

  /// The side in pixels of a square image above which attention over P × P patches (2 N² d + 4 N d²) costs more than a
  /// K×K convolution with C channels on its pixels (K² · S² · C²); 0 if it always does.
  ///
  /// With N = S² / P²: 2 S² d / P⁴ + 4 d² / P² = K² C², so S² = P⁴ (K² C² − 4 d² / P²) / (2 d).
  public static func crossingSide(patch: Int, width d: Int, kernel: Int, channels: Int) -> Double {
    let (p, d) = (Double(patch), Double(d))
    let convolution = Double(kernel * kernel) * Double(channels) * Double(channels)
    let square = p * p * p * p * (convolution - 4 * d * d / (p * p)) / (2 * d)
    return square > 0 ? square.squareRoot() : 0
  }
}
