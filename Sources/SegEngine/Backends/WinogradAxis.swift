/// The transforms of a ``WinogradFiltering`` along one axis: those of a whole tile, or of a smaller one at the edge of a map that has
/// no more outputs to give.
///
/// A filter of fewer outputs takes fewer evaluation points. Where they are some of the whole tile's, the smaller tile is
/// multiplied by the same transformed weights: they hold the filter's values at the points, each divided by the product of the
/// point's distances from all others. With fewer others that product is another one, by which the smaller tile's Aᵀ is scaled.
package struct WinogradAxis: Hashable, Sendable {
  /// Outputs of a tile, m.
  package let outputs: Int
  /// Pixels that a tile reads.
  package let reads: Int
  /// The places of its evaluation points among all of the filtering's, rising.
  package let points: [Int]
  /// Bᵀ, `[points][reads]`.
  package let inputTransform: [[Double]]
  /// Aᵀ, `[m][points]`.
  package let outputTransform: [[Double]]
  /// The points a where the points are 0, ±a and ∞, so that the transforms fall into halves; else none.
  let positivePoints: [Double]
}

extension WinogradFiltering {
  /// The whole tile's transforms, and those of smaller tiles, the largest first: of m − 2, m − 4 … outputs where the points are pairs.
  package var axes: [WinogradAxis] {
    let whole = WinogradAxis(
      outputs: outputs, reads: reads, points: Array(0..<inputs), inputTransform: inputTransform,
      outputTransform: outputTransform, positivePoints: positivePoints)
    return [whole] + (1..<max(1, pairs)).reversed().map(smallerAxis)
  }

  /// The axis of the first pairs of points.
  private func smallerAxis(pairs: Int) -> WinogradAxis {
    let smaller = WinogradFiltering(pairs: Array(positivePoints.prefix(pairs)), taps: taps)
    let points = Array(0..<smaller.inputs - 1) + [inputs - 1]
    // Rows of G differ by a factor alone, which the last place of each that is not zero shows.
    let scales = zip(smaller.filterTransform, points).map { row, point in
      let place = row.lastIndex { $0 != 0 } ?? 0
      return row[place] / filterTransform[point][place]
    }
    return WinogradAxis(
      outputs: smaller.outputs, reads: smaller.reads, points: points, inputTransform: smaller.inputTransform,
      outputTransform: smaller.outputTransform.map { row in zip(row, scales).map { $0 * $1 } },
      positivePoints: smaller.positivePoints)
  }
}
