extension DilationStack {
  /// An SVG picture of the receptive field: one square per position, darker for more paths, white for positions that
  /// are never read.
  public var svg: String {
    let counts = counts
    let most = counts.max() ?? 1
    let side = max(2, min(12, 400 / counts.count))
    let size = side * counts.count
    var squares = ""
    for (row, rowCount) in counts.enumerated() where rowCount > 0 {
      for (column, columnCount) in counts.enumerated() where columnCount > 0 {
        // The square root makes positions with few paths visible.
        let share = (Double(rowCount) * Double(columnCount)).squareRoot() / Double(most)
        let lightness = 85 - Int((70 * share).rounded())
        squares +=
          "<rect x=\"\(column * side)\" y=\"\(row * side)\" width=\"\(side)\" height=\"\(side)\" "
          + "fill=\"hsl(215,70%,\(lightness)%)\"/>\n"
      }
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(size)" height="\(size)" viewBox="0 0 \(size) \(size)" \
      shape-rendering="crispEdges">
      <title>rates \(rates.map(String.init).joined(separator: ", "))</title>
      <rect width="\(size)" height="\(size)" fill="#fff" stroke="#999"/>
      \(squares)</svg>

      """
  }

  /// The stack's row of the table with ``markdownHeader``.
  public var markdownRow: String {
    let distances = greatestDistances.count > 1 ? "\(greatestDistances[1])" : "–"
    let unseen = Int((shareNeverSeen * 10000).rounded())
    let tenths = "\(unseen / 100).\(unseen % 100 < 10 ? "0" : "")\(unseen % 100) %"
    func yes(_ flag: Bool) -> String { flag ? "yes" : "no" }
    return
      "| \(rates.map(String.init).joined(separator: ", ")) | \(receptiveField) | \(seenCount) | \(tenths) | "
      + "\(yes(isHoleFree)) | \(distances) | \(yes(meetsHybridDilatedCondition)) | \(yes(meetsAdjoiningCondition)) |"
  }

  /// The header of a table of stacks.
  public static let markdownHeader = """
    | rates | receptive field | positions seen along an axis | never seen of the square | without holes | M₂ | M₂ ≤ K | \
    adjoining |
    |---|---|---|---|---|---|---|---|
    """
}
