import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The sigmoid of one logit, without cancellation for either sign.
struct PixelSigmoid {
  /// p and 1 − p.
  let probability, complement: Double
  /// −log p and −log (1 − p).
  let negativeLog, negativeLogOfComplement: Double

  @inline(__always)
  init(_ logit: Float) {
    let z = Double(logit)
    let small = exp(-abs(z))
    let (near, far) = (1 / (1 + small), small / (1 + small))
    let logarithm = log1p(small)
    probability = z >= 0 ? near : far
    complement = z >= 0 ? far : near
    negativeLog = z >= 0 ? logarithm : logarithm - z
    negativeLogOfComplement = z >= 0 ? logarithm + z : logarithm
  }
}
