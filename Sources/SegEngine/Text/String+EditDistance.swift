extension String {
  /// The Damerau–Levenshtein distance to another string: the smallest number of insertions, deletions and substitutions
  /// of a character and of exchanges of two neighbouring characters (Lowrance and Wagner 1975).
  package func editDistance(to other: String) -> Int {
    let (first, second) = (Array(self), Array(other))
    let limit = first.count + second.count
    let columns = second.count + 2
    // Entry [i + 1][j + 1] is the distance of the first i and j characters. Row and column 0 hold a value that is never
    // the smallest, so that an exchange before the first character is not found.
    var distances = Array(repeating: limit, count: (first.count + 2) * columns)
    for i in 0...first.count { distances[(i + 1) * columns + 1] = i }
    for j in 0...second.count { distances[columns + j + 1] = j }
    // The last row, counted from 1, in which each character occurred.
    var lastRows: [Character: Int] = [:]
    for (i, a) in first.enumerated() {
      var lastColumn = 0
      for (j, b) in second.enumerated() {
        let (row, column) = (lastRows[b] ?? 0, lastColumn)
        let substitution = distances[(i + 1) * columns + j + 1] + (a == b ? 0 : 1)
        let insertion = distances[(i + 2) * columns + j + 1] + 1
        let deletion = distances[(i + 1) * columns + j + 2] + 1
        let exchange = distances[row * columns + column] + (i - row) + 1 + (j - column)
        distances[(i + 2) * columns + j + 2] = Swift.min(substitution, insertion, deletion, exchange)
        if a == b { lastColumn = j + 1 }
      }
      lastRows[a] = i + 1
    }
    return distances[(first.count + 1) * columns + second.count + 1]
  }
}
