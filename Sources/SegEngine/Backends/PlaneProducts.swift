/// Products of planes of rows with a matrix each, which lie at constant distances.
public struct PlaneOperands {
  /// Rows of a plane that take part.
  public struct Rows {
    /// The first of them.
    public var first: Int
    /// How many there are.
    public var count: Int

    /// States a range of rows.
    public init(_ range: Range<Int>) { (first, count) = (range.lowerBound, range.count) }
  }

  /// Numbers one after another.
  public struct Run {
    /// The first of them.
    public var first: UnsafePointer<Float>
    /// How many there are.
    public var count: Int
    /// Whether they will be written: 1, or 0.
    public var isWritten: Int

    /// States a run.
    public init(first: UnsafePointer<Float>, count: Int, isWritten: Bool = false) {
      (self.first, self.count, self.isWritten) = (first, count, isWritten ? 1 : 0)
    }
  }

  /// The product of the first plane, from its first row on, of rows at a constant distance; its row count does not matter.
  public var first: PanelOperands
  /// The rows of each plane.
  public var rows: UnsafeBufferPointer<Rows>
  /// Floats from a plane of rows, of panels and of results to the next.
  public var rowPlane, panelPlane, resultPlane: Int
  /// Numbers that will be read or written soon, to be asked for a few at a time while products are computed.
  public var ahead: UnsafeBufferPointer<Run>

  /// States products.
  public init(
    first: PanelOperands, rows: UnsafeBufferPointer<Rows>, rowPlane: Int, panelPlane: Int, resultPlane: Int,
    ahead: UnsafeBufferPointer<Run>
  ) {
    self.first = first
    self.rows = rows
    (self.rowPlane, self.panelPlane, self.resultPlane) = (rowPlane, panelPlane, resultPlane)
    self.ahead = ahead
  }

  /// The product of a plane.
  public subscript(plane: Int) -> PanelOperands {
    guard case .strided(let base, let stride) = first.rows else {
      preconditionFailure("planes have rows at a constant distance")
    }
    var product = first
    product.rows = .strided(base + plane * rowPlane + rows[plane].first * stride, stride: stride)
    product.rowCount = rows[plane].count
    product.panels += plane * panelPlane
    product.y += plane * resultPlane + rows[plane].first * first.yStride
    return product
  }
}
