import SegEngine

/// The naming scheme of a transformer block's parameters.
enum TransformerKeys: Hashable, Sendable {
  /// `norm1`, `attn.qkv`, `attn.proj`, `norm2`, `mlp.fc1`, `mlp.fc2`: timm and the Segmenter repository.
  case timm
  /// `ln1`, `attn.attn.in_proj_weight`, `attn.attn.out_proj`, `ln2`, `ffn.layers.0.0`, `ffn.layers.1`: mmsegmentation, whose
  /// attention is PyTorch's `MultiheadAttention`.
  case mmsegmentation
}
