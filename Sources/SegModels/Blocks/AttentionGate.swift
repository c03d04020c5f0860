import SegEngine

extension Value {
  /// The additive attention gate of Attention U-Net (Oktay et al. 2018) on a skip connection: α · x with
  /// α = σ(ψ · ReLU(W_g · g + W_x · x)), each of W_g, W_x and ψ a 1×1 convolution with batch normalisation.
  ///
  /// Parameters: `W_g.0`, `W_g.1`, `W_x.0`, `W_x.1`, `psi.0`, `psi.1` within the current scope, the keys of the common PyTorch
  /// ports.
  ///
  /// - Parameters:
  ///   - gate: the decoder's feature map g, of the same height and width as this one.
  ///   - width: channels between.
  func attentionGated(by gate: Value, width: Int) -> Value {
    let g = gate.conv("W_g.0", width, kernel: 1).batchNorm("W_g.1")
    let x = conv("W_x.0", width, kernel: 1).batchNorm("W_x.1")
    let alpha = (g + x).relu().conv("psi.0", 1, kernel: 1).batchNorm("psi.1").sigmoid()
    return self * alpha
  }
}
