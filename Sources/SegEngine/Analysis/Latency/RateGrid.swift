#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A rate measured on a two-dimensional grid, with bilinear interpolation in the logarithms of the extents. Outside the
/// grid the nearest edge applies.
public struct RateGrid: Hashable, Sendable {
  /// The extents along both axes, positive and ascending.
  public let rows, columns: [Double]
  /// One positive rate for each row and column.
  public let rates: [[Double]]

  /// Creates a grid.
  ///
  /// - Precondition: ``isValid(rows:columns:rates:)``.
  public init(rows: [Double], columns: [Double], rates: [[Double]]) {
    precondition(
      RateGrid.isValid(rows: rows, columns: columns, rates: rates),
      "extents must be positive and ascending, with one positive finite rate for each pair")
    self.rows = rows
    self.columns = columns
    self.rates = rates
  }

  /// Whether extents are positive and ascending, and there is one positive finite rate for each pair.
  public static func isValid(rows: [Double], columns: [Double], rates: [[Double]]) -> Bool {
    func rises(_ values: [Double]) -> Bool {
      !values.isEmpty && values.allSatisfy { $0 > 0 && $0.isFinite } && zip(values, values.dropFirst()).allSatisfy(<)
    }
    return rises(rows) && rises(columns) && rates.count == rows.count
      && rates.allSatisfy { $0.count == columns.count && $0.allSatisfy { $0 > 0 && $0.isFinite } }
  }

  /// The interpolated rate for two extents.
  public func rate(_ row: Double, _ column: Double) -> Double {
    let (r, u) = RateGrid.place(row, rows)
    let (c, v) = RateGrid.place(column, columns)
    func along(_ rates: [Double]) -> Double { rates[c] + v * (rates[min(c + 1, columns.count - 1)] - rates[c]) }
    let (a, b) = (along(rates[r]), along(rates[min(r + 1, rows.count - 1)]))
    return a + u * (b - a)
  }

  /// The index of the grid point below a value, and the fraction of the logarithmic distance to the next point.
  private static func place(_ value: Double, _ grid: [Double]) -> (Int, Double) {
    guard value > grid[0] else { return (0, 0) }
    guard let last = grid.last, value < last else { return (grid.count - 1, 0) }
    let index = (grid.firstIndex { $0 > value } ?? 1) - 1
    return (index, log(value / grid[index]) / log(grid[index + 1] / grid[index]))
  }
}
