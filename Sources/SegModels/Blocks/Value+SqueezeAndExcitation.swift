import SegEngine

extension Value {
  /// Concurrent spatial and channel squeeze and excitation (Roy, Navab and Wachinger 2018): x · σ(channel weights) + x
  /// · σ(pixel weights). The channel weights come from the channel means through an MLP with one hidden layer, the
  /// pixel weights from a 1×1 convolution.
  ///
  /// Parameters within the current scope: `cSE.1`, `cSE.3` and `sSE.0`, the keys of segmentation-models-pytorch.
  func squeezedAndExcited(reduction: Int = 16) -> Value {
    let weights = globalAveragePool().conv("cSE.1", max(1, channels / reduction), kernel: 1).relu()
      .conv("cSE.3", channels, kernel: 1).sigmoid()
    return self * weights + self * conv("sSE.0", 1, kernel: 1).sigmoid()
  }
}
