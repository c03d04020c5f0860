#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension BinaryOperation {
  /// Computes the operation in Double, by its definition.
  func callAsFunction(_ p: Double, _ q: Double) -> Double {
    switch self {
    case .add: p + q
    case .subtract: p - q
    case .multiply: p * q
    case .divide: p / q
    case .maximum: p > q || p.isNaN ? p : q
    case .minimum: p < q || p.isNaN ? p : q
    case .power: pow(p, q)
    }
  }
}
