#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A kernel k of separable interpolation: the weight of a pixel as a function of its signed distance from the sampled position, in pixels.
///
/// ``Resize``, the resizing of images and the ONNX evaluator differ in coordinates, borders and number format, and share these kernels.
package enum InterpolationKernel: Hashable, Sendable {
  /// The mean over an area: 1 on (−1/2, 1/2].
  case box
  /// Linear interpolation: 1 − |x|.
  case triangle
  /// Keys' cubic convolution (IEEE ASSP 29, 1981) with its parameter a, the slope at distance 1.
  case cubic(a: Double)
  /// sinc(x) · sinc(x / lobes).
  case lanczos(lobes: Int)

  /// The distance from which on the kernel is zero.
  package var radius: Double {
    switch self {
    case .box: 0.5
    case .triangle: 1
    case .cubic: 2
    case .lanczos(let lobes): Double(lobes)
    }
  }

  /// Computes the weight at a distance, rounded as the operations of the number format round it.
  package func weight<Number: BinaryFloatingPoint>(at distance: Number) -> Number {
    let x = abs(distance)
    switch self {
    case .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .triangle: return max(0, 1 - x)
    case .cubic(let a):
      let a = Number(a)
      if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    case .lanczos(let lobes):
      func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }
      let x = Double(x)
      return x < Double(lobes) ? Number(sinc(x) * sinc(x / Double(lobes))) : 0
    }
  }

  /// Computes the antialiased taps of the output pixel `index`: the first input pixel, and the weights from there on.
  ///
  /// The kernel widens by `scale`, input pixels per output pixel, where that is above 1. Taps outside `extent` are left out. The weights
  /// are not normalised. This is the rule of Pillow and of PyTorch's `antialias=True`.
  package func antialiasedTaps<Number: BinaryFloatingPoint>(
    at index: Int, scale: Number, extent: Int
  ) -> (first: Int, weights: [Number]) {
    let center = scale * (Number(index) + 0.5)
    let stretch = max(scale, 1)
    let reach = Number(radius) * stretch
    let first = max(0, Int(center - reach + 0.5))
    let last = max(first, min(extent, Int(center + reach + 0.5)))
    return (first, (first..<last).map { weight(at: (Number($0) - center + 0.5) / stretch) })
  }
}
