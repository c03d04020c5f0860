import SegEngine

extension Value {
  /// The additive attention gate of Attention U-Net (Oktay et al. 2018) on a skip connection: α · x with α = σ(ψ ·
  /// ReLU(W_g · g + W_x · x). W_g, W_x and ψ are 1×1 convolutions with batch normalisation.
  ///
  /// Parameters within the current scope: `W_g.0`, `W_g.1`, `W_x.0`, `W_x.1`, `psi.0`, `psi.1`, the keys of the common
  /// PyTorch ports.
  ///
  /// - Parameters:
  ///   - gate: The decoder's feature map g, of the same height and width as this map.
  ///   - width: The channels of W_g · g and W_x · x.
  func attentionGated(by gate: Value, width: Int) -> Value {
    let g = gate.conv("W_g.0", width, kernel: 1).batchNorm("W_g.1")
    let x = conv("W_x.0", width, kernel: 1).batchNorm("W_x.1")
    let alpha = (g + x).relu().conv("psi.0", 1, kernel: 1).batchNorm("psi.1").sigmoid()
    return self * alpha
  }
}
