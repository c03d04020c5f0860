import SegEngine

/// Euclidean distances from a set of query pixels to the nearest pixel of a set of targets, computed at the query pixels only.
///
/// A sweep down the rows keeps, for each column that has targets, the next target above and below. From a query pixel the columns are
/// searched outwards to both sides until no column can hold a nearer target. For two boundaries that nearly agree this takes a few
/// columns. A row whose search takes long is finished by the lower envelope of its columns' parabolas, as in ``DistanceTransform``,
/// which bounds the time of a row to a small multiple of the envelope's.
struct NearestPixels {
  /// Between the rows of pixels that there are and those that there are not.
  private static let none = Int32(1) << 28

  private let targets: UnsafeBufferPointer<BoundaryPixel>
  private let countsEdges: Bool
  private let width: Int
  private let spacing: PixelSpacing
  /// The columns that have targets, and for each column of the image the first of those that is not left of it.
  private var columns: [Int32] = []
  private var ranks: [Int32]
  /// Of each of those columns the row of the last target above the sweep, and of the first that is not.
  private var rows: [(above: Int32, below: Int32)]
  /// Of each target the row of the next one below it in its column.
  private var following: [Int32]
  /// Targets that the sweep has passed.
  private var passed = 0
  private var envelope: RowEnvelope?

  /// Prepares a search among pixels in the order of rows.
  ///
  /// - Parameters:
  ///   - targets: The pixels, which must outlive this value.
  ///   - countsEdges: Whether pixels at the image's edge alone are among them.
  ///   - width: The image's width in pixels.
  ///   - spacing: How far pixels are apart.
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

  /// Whether there is nothing to be near to.
  var isEmpty: Bool { columns.isEmpty }

  /// Calls `body` with the squared distance of each pixel to its nearest target, in the pixels' order.
  ///
  /// - Parameters:
  ///   - queries: The pixels, in the order of rows.
  ///   - bound: Distances are not told apart from this number on. Where one is below it, any of the targets that are so near may
  ///     have been taken instead of the nearest if `isSatisfiedByAny`.
  ///   - isSatisfiedByAny: Whether a target nearer than `bound` ends the search.
  ///   - body: Takes a squared distance, or `bound`.
  mutating func forEachSquaredDistance(
    from queries: UnsafeBufferPointer<BoundaryPixel>, below bound: Double = .infinity, isSatisfiedByAny: Bool = false,
    _ body: (Double) -> Void
  ) {
    // Steps of the search after which a row is finished by its envelope.
    let patience = 8 * width
    var (row, steps, isFinished) = (Int32(-1), 0, false)
    for query in queries where countsEdges || query.hasNeighbourOutside {
      if query.row != row {
        row = query.row
        (steps, isFinished) = (0, false)
        pass(to: row)
      }
      if !isFinished, steps > patience {
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
        /// Whether farther columns on this side could be nearer.
        func look(_ index: Int) -> Bool {
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
          if right < count { right = look(right) ? right + 1 : count }
          if left >= 0 { left = look(left) ? left - 1 : -1 }
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

/// Distances of all pixels of a row.
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
