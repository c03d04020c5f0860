import SegEngine

extension Value {
  /// A pre-norm transformer block on tokens `[batch, n, channels]` (Vaswani et al. 2017, in the order of Dosovitskiy et
  /// al. 2021): x + attention(norm(x)), then x + MLP(norm(x)), where the MLP has one hidden layer and GELU.
  ///
  /// Parameters are named within the current scope according to `keys`.
  ///
  /// - Parameters:
  ///   - heads: The number of attention heads, a divisor of the channels.
  ///   - hidden: The channels of the MLP's hidden layer.
  ///   - epsilon: The ε of both layer normalisations.
  func transformerBlock(heads: Int, hidden: Int, epsilon: Float, keys: TransformerKeys) -> Value {
    let (first, second, widening, narrowing) =
      keys == .timm
      ? ("norm1", "norm2", "mlp.fc1", "mlp.fc2") : ("ln1", "ln2", "ffn.layers.0.0", "ffn.layers.1")
    let attended = self + layerNorm(first, epsilon: epsilon).selfAttended(heads: heads, keys)
    let widened = attended.layerNorm(second, epsilon: epsilon).linear(widening, hidden, initializer: initializer)
    return attended + widened.gelu().linear(narrowing, channels, initializer: initializer)
  }

  /// The initialisation of linear layers in transformers.
  private var initializer: Initializer { .truncatedNormal(deviation: 0.02) }

  /// Multi-head self-attention: one linear layer computes queries, keys and values, another projects the concatenated
  /// heads.
  private func selfAttended(heads: Int, _ keys: TransformerKeys) -> Value {
    let joined: Value
    switch keys {
    case .timm: joined = linear("attn.qkv", 3 * channels, initializer: initializer)
    case .mmsegmentation:
      // `MultiheadAttention` stores the matrix and its bias as plain parameters.
      let parameters = graph.scope("attn.attn") {
        [
          graph.parameter("in_proj_weight", [3 * channels, channels], initializer: initializer),
          graph.parameter("in_proj_bias", [3 * channels], initializer: .constant(0)),
        ]
      }
      joined = apply(Linear(), named: "attn.attn.in_proj", with: parameters)
    }
    let parts = joined.split(into: 3, named: "attn.split")
    return parts[0].attention(keys: parts[1], values: parts[2], heads: heads)
      .linear(keys == .timm ? "attn.proj" : "attn.attn.out_proj", channels, initializer: initializer)
  }
}
