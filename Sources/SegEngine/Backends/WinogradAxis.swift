/// The transforms of a ``WinogradFiltering`` along one axis: those of a whole tile, or of a smaller one at the edge of a map that has fewer
/// outputs left.
///
/// A filter of fewer outputs takes fewer evaluation points. If they are a subset of the whole tile's, the smaller tile uses the same
/// transformed weights. These hold the filter's values at the points, each divided by the product of the point's distances from all
/// others. With fewer points this product differs; the smaller tile's Aᵀ is scaled to correct it.
package struct WinogradAxis: Hashable, Sendable {
  /// The number of outputs of a tile, m.
  package let outputs: Int
  /// The number of pixels that a tile reads.
  package let reads: Int
  /// The indices of its evaluation points among the filtering's, ascending.
  package let points: [Int]
  /// Bᵀ, `[points][reads]`.
  package let inputTransform: [[Double]]
  /// Aᵀ, `[m][points]`.
  package let outputTransform: [[Double]]
  /// The points a if the points are 0, ±a and ∞, so that the transforms split into halves; else empty.
  let positivePoints: [Double]
}

extension WinogradFiltering {
  /// The transforms of the whole tile, and those of smaller tiles, the largest first: with m − 2, m − 4 … outputs if the points are pairs.
  package var axes: [WinogradAxis] {
    let whole = WinogradAxis(
      outputs: outputs, reads: reads, points: Array(0..<inputs), inputTransform: inputTransform,
      outputTransform: outputTransform, positivePoints: positivePoints)
    return [whole] + (1..<max(1, pairs)).reversed().map(smallerAxis)
  }

  /// Makes the axis of the first pairs of points.
  private func smallerAxis(pairs: Int) -> WinogradAxis {
    let smaller = WinogradFiltering(pairs: Array(positivePoints.prefix(pairs)), taps: taps)
    let points = Array(0..<smaller.inputs - 1) + [inputs - 1]
    // Rows of G differ only by a factor. It is computed from the last non-zero element of each.
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
