import SegEngine

extension Value {
  /// Spatial attention (CBAM, Woo et al. 2018): x · σ(conv7×7([mean over channels, maximum over channels])).
  ///
  /// Parameters: `conv.weight` within the current scope.
  func spatiallyAttended(kernel: Int = 7) -> Value {
    let pooled = mean(axes: [-1]).concat(with: reduce(.maximum, axes: [-1]))
    return self * pooled.conv("conv", 1, kernel: Extent2D(kernel), bias: false).sigmoid()
  }
}
