#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

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
      case .antialiased: return filtered(center, scale, extent, support: 1) { max(0, 1 - abs($0)) }
      case .area: return filtered(center, scale, extent, support: 0.5) { $0 > -0.5 && $0 <= 0.5 ? 1 : 0 }
      case .bicubic: return filtered(center, scale, extent, support: 2, Resampling.keys)
      case .lanczos:
        return filtered(center, scale, extent, support: 3) { x in
          func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }
          return abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0
        }
      }
    }

    private func filtered(
      _ center: Double, _ scale: Double, _ extent: Int, support: Double, _ kernel: (Double) -> Double
    ) -> (first: Int, weights: [Double]) {
      let width = max(scale, 1)
      let first = max(0, Int(center - support * width + 0.5))
      let last = min(extent, Int(center + support * width + 0.5))
      return (first, (first..<last).map { kernel((Double($0) - center + 0.5) / width) })
    }

    /// Keys' cubic convolution kernel with a = −1/2 (IEEE ASSP 29, 1981).
    private static func keys(_ x: Double) -> Double {
      let (a, x) = (-0.5, abs(x))
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
  }
}
