#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A rate that was measured on a grid of two extents, and is interpolated between them in their logarithms; beyond the grid it is that
/// of the nearest edge.
public struct RateGrid: Hashable, Sendable {
  /// The extents along both axes, rising and positive.
  public let rows, columns: [Double]
  /// A positive rate for each row and column.
  public let rates: [[Double]]

  /// Makes a grid.
  ///
  /// - Precondition: ``isValid(rows:columns:rates:)``.
  public init(rows: [Double], columns: [Double], rates: [[Double]]) {
    precondition(RateGrid.isValid(rows: rows, columns: columns, rates: rates), "not a grid of positive rates")
    self.rows = rows
    self.columns = columns
    self.rates = rates
  }

  /// Whether extents rise and are positive, and there is one positive finite rate for each pair of them.
  public static func isValid(rows: [Double], columns: [Double], rates: [[Double]]) -> Bool {
    func rises(_ values: [Double]) -> Bool {
      !values.isEmpty && values.allSatisfy { $0 > 0 && $0.isFinite } && zip(values, values.dropFirst()).allSatisfy(<)
    }
    return rises(rows) && rises(columns) && rates.count == rows.count
      && rates.allSatisfy { $0.count == columns.count && $0.allSatisfy { $0 > 0 && $0.isFinite } }
  }

  /// The rate for two extents.
  public func rate(_ row: Double, _ column: Double) -> Double {
    let (r, u) = RateGrid.place(row, rows)
    let (c, v) = RateGrid.place(column, columns)
    func along(_ rates: [Double]) -> Double { rates[c] + v * (rates[min(c + 1, columns.count - 1)] - rates[c]) }
    let (a, b) = (along(rates[r]), along(rates[min(r + 1, rows.count - 1)]))
    return a + u * (b - a)
  }

  /// The index below a value, and how far it is from there to the next, in logarithms.
  private static func place(_ value: Double, _ grid: [Double]) -> (Int, Double) {
    guard value > grid[0] else { return (0, 0) }
    guard let last = grid.last, value < last else { return (grid.count - 1, 0) }
    let index = (grid.firstIndex { $0 > value } ?? 1) - 1
    return (index, log(value / grid[index]) / log(grid[index + 1] / grid[index]))
  }
}
