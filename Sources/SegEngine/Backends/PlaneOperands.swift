/// Products of planes of rows with a matrix each, which lie at constant distances.
package struct PlaneOperands {
  /// Rows of a plane that take part.
  package struct Rows {
    /// The first of them.
    package var first: Int
    /// How many there are.
    package var count: Int

    /// Describes a range of rows.
    package init(_ range: Range<Int>) { (first, count) = (range.lowerBound, range.count) }
  }

  /// Numbers to prefetch, one after another.
  package struct PrefetchRun {
    /// The first of them.
    package var first: UnsafePointer<Float>
    /// How many there are.
    package var count: Int
    /// Whether they will be written: 1, or 0.
    package var isWritten: Int

    /// Describes a run.
    package init(first: UnsafePointer<Float>, count: Int, isWritten: Bool = false) {
      (self.first, self.count, self.isWritten) = (first, count, isWritten ? 1 : 0)
    }
  }

  /// The product of the first plane, from its first row on, of rows at a constant distance; its row count is not read.
  package var first: PanelOperands
  /// The rows of each plane.
  package var rows: UnsafeBufferPointer<Rows>
  /// Floats from a plane of rows, of panels and of results to the next.
  package var rowPlane, panelPlane, resultPlane: Int
  /// Numbers that will be read or written soon. They are prefetched a few at a time while products are computed.
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

  /// The product of a plane.
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
