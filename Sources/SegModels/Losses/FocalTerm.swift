import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// (1 − p)^γ · (−log p) and its derivative with respect to log p.
struct FocalTerm {
  let value, logDerivative: Double

  @inline(__always)
  init(_ probability: Double, complement: Double, negativeLog: Double, gamma: Double) {
    if gamma == 0 {
      value = negativeLog
      logDerivative = -1
      return
    }
    let power = gamma == 2 ? complement * complement : pow(complement, gamma)
    value = power * negativeLog
    // q^(γ − 1) · (−log p) tends to 0 with q, because −log p tends to 0 in proportion to q.
    let lower = complement == 0 ? 0 : power / complement
    logDerivative = -power - gamma * lower * probability * negativeLog
  }
}
