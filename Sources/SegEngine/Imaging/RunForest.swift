/// Disjoint sets of runs (union–find with path halving; Tarjan and van Leeuwen 1984). The root of a set is its first run.
package struct RunForest: Sendable {
  /// The parent of each run: itself for a root, otherwise an earlier run.
  package private(set) var parents: [Int32]

  /// Makes one set of each connected component: runs of the same label that are connected.
  package init(_ runs: PixelRuns, connectivity: Connectivity) {
    parents = (0..<Int32(runs.count)).map { $0 }
    let reach = connectivity.reach
    for row in 1..<max(runs.height, 1) {
      var (above, below) = (runs.rowStarts[row - 1], runs.rowStarts[row])
      let (aboveLimit, belowLimit) = (below, runs.rowStarts[row + 1])
      while above < aboveLimit && below < belowLimit {
        let (aboveEnd, belowEnd) = (runs.end(of: above, row: row - 1), runs.end(of: below, row: row))
        if runs.labels[above] == runs.labels[below],
          Int(runs.columns[above]) < belowEnd + reach, Int(runs.columns[below]) < aboveEnd + reach
        {
          unite(above, below)
        }
        if aboveEnd == belowEnd {
          // Where two runs end at the same column, the run after either touches the other one at a corner.
          if reach == 1 {
            if above + 1 < aboveLimit, runs.labels[above + 1] == runs.labels[below] { unite(above + 1, below) }
            if below + 1 < belowLimit, runs.labels[above] == runs.labels[below + 1] { unite(above, below + 1) }
          }
          above += 1
          below += 1
        } else if aboveEnd < belowEnd {
          above += 1
        } else {
          below += 1
        }
      }
    }
  }

  /// Returns the root of a run's set.
  package mutating func root(of run: Int) -> Int {
    var run = run
    while true {
      let parent = Int(parents[run])
      if parent == run { return run }
      let grandparent = parents[parent]
      parents[run] = grandparent
      run = Int(grandparent)
    }
  }

  /// Unites the sets of two runs and returns the root of the union.
  @discardableResult
  package mutating func unite(_ first: Int, _ second: Int) -> Int {
    let (first, second) = (root(of: first), root(of: second))
    let root = min(first, second)
    parents[max(first, second)] = Int32(truncatingIfNeeded: root)
    return root
  }
}
