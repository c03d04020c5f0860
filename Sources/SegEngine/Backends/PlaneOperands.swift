/// Products of planes of rows with a matrix per plane, at constant distances in memory.
package struct PlaneOperands {
  /// The rows of a plane that are multiplied.
  package struct Rows {
    /// The first row.
    package var first: Int
    /// The number of rows.
    package var count: Int

    /// Makes a range of rows.
    package init(_ range: Range<Int>) { (first, count) = (range.lowerBound, range.count) }
  }

  /// A contiguous range of numbers to prefetch.
  package struct PrefetchRun {
    /// The first number.
    package var first: UnsafePointer<Float>
    /// The length of the range.
    package var count: Int
    /// Whether they will be written: 1 or 0.
    package var isWritten: Int

    /// Makes a range to prefetch.
    package init(first: UnsafePointer<Float>, count: Int, isWritten: Bool = false) {
      (self.first, self.count, self.isWritten) = (first, count, isWritten ? 1 : 0)
    }
  }

  /// The product of the first plane, from its first row on. Its rows have a constant stride; its row count is not used.
  package var first: PanelOperands
  /// The rows of each plane.
  package var rows: UnsafeBufferPointer<Rows>
  /// Floats from a plane of rows, of panels and of results to the next.
  package var rowPlane, panelPlane, resultPlane: Int
  /// The prefetch list: numbers that will be read or written soon. They are prefetched a few at a time during the products.
  package var prefetches: UnsafeBufferPointer<PrefetchRun>

  /// Describes the products.
  package init(
    first: PanelOperands, rows: UnsafeBufferPointer<Rows>, rowPlane: Int, panelPlane: Int, resultPlane: Int,
    prefetches: UnsafeBufferPointer<PrefetchRun>
  ) {
    self.first = first
    self.rows = rows
    (self.rowPlane, self.panelPlane, self.resultPlane) = (rowPlane, panelPlane, resultPlane)
    self.prefetches = prefetches
  }

  /// The product of one plane.
  package subscript(plane: Int) -> PanelOperands {
    guard case .strided(let base, let stride) = first.rows else {
      preconditionFailure("planes have rows at a constant distance")
    }
    var product = first
    product.rows = .strided(base + plane * rowPlane + rows[plane].first * stride, stride: stride)
    product.rowCount = rows[plane].count
    product.panels += plane * panelPlane
    product.result.y += plane * resultPlane + rows[plane].first * first.result.stride
    return product
  }
}
