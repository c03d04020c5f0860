import SegEngine

extension Value {
  /// Concurrent spatial and channel squeeze and excitation (Roy, Navab and Wachinger 2018): x · σ(channel weights) + x · σ(pixel
  /// weights). The channel weights come from the means through a perceptron with one hidden layer, the pixel weights from a
  /// 1×1 convolution.
  ///
  /// Parameters: `cSE.1`, `cSE.3` and `sSE.0` within the current scope, the keys of segmentation-models-pytorch.
  func squeezedAndExcited(reduction: Int = 16) -> Value {
    let weights = globalAveragePool().conv("cSE.1", max(1, channels / reduction), kernel: 1).relu()
      .conv("cSE.3", channels, kernel: 1).sigmoid()
    return self * weights + self * conv("sSE.0", 1, kernel: 1).sigmoid()
  }
}
