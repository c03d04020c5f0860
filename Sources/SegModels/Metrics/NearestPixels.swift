import SegEngine

/// Euclidean distances from query pixels to the nearest target pixel, computed at the query pixels only.
///
/// A sweep over the rows keeps, for each column with targets, the nearest target above and below. From each query pixel
/// the search visits columns outwards on both sides until no column can contain a nearer target. For two boundaries
/// that nearly agree this takes few columns. If the search in a row takes too many steps, the row is finished by the
/// lower envelope of the columns' parabolas, as in ``DistanceTransform``. This bounds the time of a row to a small
/// multiple of the envelope's.
struct NearestPixels {
  /// A row index that is far from any row of the image: no target.
  private static let none = Int32(1) << 28

  private let targets: UnsafeBufferPointer<BoundaryPixel>
  private let countsEdges: Bool
  private let width: Int
  private let spacing: PixelSpacing
  /// The columns that have targets; and, for each column of the image, the index of the first of those at or right of
  /// it.
  private var columns: [Int32] = []
  private var ranks: [Int32]
  /// For each of those columns: the row of the last target above the sweep, and of the first target at or below it.
  private var rows: [(above: Int32, below: Int32)]
  /// For each target, the row of the next target below it in the same column.
  private var following: [Int32]
  /// The number of targets that the sweep has passed.
  private var passed = 0
  private var envelope: RowEnvelope?

  /// Prepares a search.
  ///
  /// - Parameters:
  ///   - targets: The target pixels in raster order. The buffer must outlive this value.
  ///   - countsEdges: Whether to include pixels that are boundary only because of the image edge.
  ///   - width: The image's width in pixels.
  ///   - spacing: The distance between neighbouring pixels.
  init(_ targets: UnsafeBufferPointer<BoundaryPixel>, countsEdges: Bool, width: Int, spacing: PixelSpacing) {
    self.targets = targets
    self.countsEdges = countsEdges
    self.width = width
    self.spacing = spacing
    ranks = Array(repeating: 0, count: width)
    following = Array(repeating: NearestPixels.none, count: targets.count)
    for target in targets where countsEdges || target.hasNeighbourOutside { ranks[Int(target.column)] = 1 }
    for column in 0..<width {
      let isUsed = ranks[column] == 1
      ranks[column] = Int32(columns.count)
      if isUsed { columns.append(Int32(column)) }
    }
    rows = Array(repeating: (-NearestPixels.none, NearestPixels.none), count: columns.count)
    for index in targets.indices.reversed() where countsEdges || targets[index].hasNeighbourOutside {
      let column = Int(ranks[Int(targets[index].column)])
      following[index] = rows[column].below
      rows[column].below = targets[index].row
    }
  }

  /// Whether there are no targets.
  var isEmpty: Bool { columns.isEmpty }

  /// Calls `body` with the squared distance of each query pixel to its nearest target, in the order of the queries.
  ///
  /// - Parameters:
  ///   - queries: The query pixels in raster order.
  ///   - bound: Squared distances of `bound` or more are reported as `bound`.
  ///   - isSatisfiedByAny: Whether the search stops at any target nearer than `bound`. The reported distance is then
  ///     that of the target found, which may not be the nearest.
  ///   - body: Takes a squared distance, or `bound`.
  mutating func forEachSquaredDistance(
    from queries: UnsafeBufferPointer<BoundaryPixel>, below bound: Double = .infinity, isSatisfiedByAny: Bool = false,
    _ body: (Double) -> Void
  ) {
    // The number of search steps after which a row is finished by its envelope.
    let stepLimit = 8 * width
    var (row, steps, isFinished) = (Int32(-1), 0, false)
    for query in queries where countsEdges || query.hasNeighbourOutside {
      if query.row != row {
        row = query.row
        (steps, isFinished) = (0, false)
        pass(to: row)
      }
      if !isFinished, steps > stepLimit {
        isFinished = true
        evaluateEnvelope(row)
      }
      if isFinished, let envelope {
        body(min(bound, envelope.distances[Int(query.column)]))
      } else {
        body(search(query, bound, isSatisfiedByAny, &steps))
      }
    }
  }

  private mutating func pass(to row: Int32) {
    while passed < targets.count, targets[passed].row < row {
      let target = targets[passed]
      if countsEdges || target.hasNeighbourOutside {
        rows[Int(ranks[Int(target.column)])] = (target.row, following[passed])
      }
      passed += 1
    }
  }

  private func search(
    _ query: BoundaryPixel, _ bound: Double, _ isSatisfiedByAny: Bool, _ steps: inout Int
  ) -> Double {
    var best = bound
    let count = columns.count
    var right = Int(ranks[Int(query.column)])
    var left = right - 1
    columns.withUnsafeBufferPointer { columns in
      rows.withUnsafeBufferPointer { rows in
        /// Visits one column; returns whether columns farther on this side could be nearer.
        func visit(_ index: Int) -> Bool {
          let across = Double(columns[index] - query.column) * spacing.horizontal
          let squared = across * across
          guard squared < best else { return false }
          let (above, below) = rows[index]
          let down = Double(min(query.row - above, below - query.row)) * spacing.vertical
          best = min(best, squared + down * down)
          steps += 1
          return true
        }
        while left >= 0 || right < count {
          if right < count { right = visit(right) ? right + 1 : count }
          if left >= 0 { left = visit(left) ? left - 1 : -1 }
          if isSatisfiedByAny && best < bound { break }
        }
      }
    }
    return best
  }

  private mutating func evaluateEnvelope(_ row: Int32) {
    var envelope = self.envelope ?? RowEnvelope(width: width, spacing: spacing)
    self.envelope = nil
    for (column, rows) in zip(columns, rows) {
      envelope.columns[Int(column)] = min(row - rows.above, rows.below - row)
    }
    envelope.evaluate()
    self.envelope = envelope
  }
}

/// The distances of all pixels of a row, by the lower envelope.
private struct RowEnvelope {
  var columns: [Int32]
  private(set) var distances: [Double]
  private var envelope: ParabolaEnvelope
  private let reciprocals: [Double]

  init(width: Int, spacing: PixelSpacing) {
    columns = Array(repeating: DistanceTransform.noPixel, count: width)
    distances = Array(repeating: 0, count: width)
    envelope = ParabolaEnvelope(width: width, spacing: spacing)
    reciprocals = ParabolaEnvelope.reciprocals(width: width, spacing: spacing)
  }

  mutating func evaluate() {
    columns.withUnsafeBufferPointer { envelope.build($0.baseAddress!, reciprocals) }
    distances.withUnsafeMutableBufferPointer { envelope.evaluate($0.baseAddress!) { $0 } }
  }
}
