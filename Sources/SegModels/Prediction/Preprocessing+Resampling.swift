import SegEngine

extension Preprocessing {
  /// The filter that resizes images. It must be the filter used in training.
  ///
  /// Pixels are areas, and the corners of both images coincide (half-pixel centres). When an image shrinks, Pillow's
  /// filters are widened by the same factor, so that every input pixel contributes.
  public enum Resampling: String, Hashable, Sendable, CaseIterable {
    /// Pillow's `BILINEAR`, a triangle filter; also the bilinear interpolation of torchvision and PyTorch with
    /// `antialias=True`.
    case antialiased
    /// Two pixels along each axis, regardless of the scale: OpenCV's `INTER_LINEAR`, PyTorch's bilinear without
    /// antialiasing.
    case bilinear
    /// The pixel that contains the centre of the output pixel: Pillow's `NEAREST`, PyTorch's `nearest-exact`.
    case nearest
    /// The mean over the area of the output pixel: Pillow's `BOX`; also OpenCV's `INTER_AREA` if an image shrinks by an
    /// integer factor.
    case area
    /// Pillow's `BICUBIC`: Keys' kernel with a = −1/2.
    case bicubic
    /// Pillow's `LANCZOS`, with three lobes.
    case lanczos

    /// The first input pixel of an output pixel, and the weights from there on. The weights need not sum to 1.
    func taps(at position: Int, scale: Double, extent: Int) -> (first: Int, weights: [Double]) {
      let center = (Double(position) + 0.5) * scale
      switch self {
      case .nearest: return (min(extent - 1, Int(center)), [1])
      case .bilinear:
        let place = min(max(center - 0.5, 0), Double(extent - 1))
        let first = min(Int(place), max(0, extent - 2))
        let fraction = place - Double(first)
        return extent == 1 ? (0, [1]) : (first, [1 - fraction, fraction])
      case .antialiased: return InterpolationKernel.triangle.antialiasedTaps(at: position, scale: scale, extent: extent)
      case .area: return InterpolationKernel.box.antialiasedTaps(at: position, scale: scale, extent: extent)
      case .bicubic:
        return InterpolationKernel.cubic(a: -0.5).antialiasedTaps(at: position, scale: scale, extent: extent)
      case .lanczos:
        return InterpolationKernel.lanczos(lobes: 3).antialiasedTaps(at: position, scale: scale, extent: extent)
      }
    }
  }
}
