#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension Preprocessing {
  /// How an image is resized. A network sees the images of its training only where it is the same as there.
  ///
  /// Pixels are areas whose corners coincide (half-pixel centres). The filters of Pillow widen by the factor by which an image shrinks, so
  /// that no pixel is skipped.
  public enum Resampling: String, Hashable, Sendable, CaseIterable {
    /// Pillow's `BILINEAR`, a triangle; also torchvision's and PyTorch's bilinear with `antialias=True`.
    case antialiased
    /// Two pixels along each axis, however far the image shrinks: OpenCV's `INTER_LINEAR`, PyTorch's bilinear without antialiasing.
    case bilinear
    /// The pixel in which the middle of the new one falls: Pillow's `NEAREST`, PyTorch's `nearest-exact`.
    case nearest
    /// The mean of the area that a new pixel covers: Pillow's `BOX`; where an image shrinks by a whole factor OpenCV's `INTER_AREA`.
    case area
    /// Pillow's `BICUBIC`, Keys' kernel with a = −1/2.
    case bicubic
    /// Pillow's `LANCZOS`, of three lobes.
    case lanczos

    /// The first source pixel of an output pixel and the weights from there on, which need not sum to 1.
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
