/// The runs of a label map: pixels of a row that adjoin and have the same label.
package struct PixelRuns: Sendable {
  /// Width of the map in pixels.
  package let width: Int
  /// Height of the map in pixels.
  package let height: Int
  /// The first column of each run, runs in row-major order.
  package private(set) var columns: [Int32] = []
  /// The label of each run.
  package private(set) var labels: [UInt16] = []
  /// The runs of row y are `rowStarts[y]..<rowStarts[y + 1]`.
  package private(set) var rowStarts: [Int] = [0]

  /// Finds the runs of a label map.
  package init(_ map: LabelMap) {
    (width, height) = (map.width, map.height)
    precondition(width <= Int(Int32.max), "a label map of \(width) columns")
    rowStarts.reserveCapacity(height + 1)
    for row in 0..<height {
      let first = row * width
      // No label has this value, so that the first pixel begins a run.
      var last = -1
      for index in first..<first + width {
        let label = map.labels[index]
        guard Int(label) != last else { continue }
        columns.append(Int32(truncatingIfNeeded: index - first))
        labels.append(label)
        last = Int(label)
      }
      rowStarts.append(columns.count)
    }
    precondition(columns.count < Int(Int32.max), "a label map of \(columns.count) runs")
  }

  /// The number of runs.
  package var count: Int { columns.count }

  /// The column after the last pixel of a run in a row.
  package func end(of run: Int, row: Int) -> Int { run + 1 < rowStarts[row + 1] ? Int(columns[run + 1]) : width }

  /// The run of a row that contains a column.
  package func run(row: Int, column: Int) -> Int {
    // The last run that does not begin after the column.
    var (low, high) = (rowStarts[row], rowStarts[row + 1])
    while high - low > 1 {
      let middle = (low + high) / 2
      if Int(columns[middle]) <= column { low = middle } else { high = middle }
    }
    return low
  }
}
