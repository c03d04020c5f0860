extension String {
  /// The names that this string may be a misspelling of, the most similar first, at most three. Upper and lower case do
  /// not differ.
  ///
  /// A name is similar if a third of this string's characters, and at least one, can be edited to give it. If there is
  /// none, the names that begin with this string are returned, if it has at least three characters.
  package func similarNames(among names: some Sequence<String>) -> [String] {
    let text = lowercased()
    let limit = Swift.max(1, text.count / 3)
    let candidates = Array(names)
    let near = candidates.enumerated().compactMap { index, name -> (distance: Int, index: Int)? in
      // The distance is at least the difference of the lengths.
      guard abs(name.count - text.count) <= limit else { return nil }
      let distance = text.editDistance(to: name.lowercased())
      return distance <= limit ? (distance, index) : nil
    }
    let similar = near.sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }.map { candidates[$0.index] }
    if !similar.isEmpty || text.count < 3 { return Array(similar.prefix(3)) }
    return Array(candidates.filter { $0.lowercased().hasPrefix(text) }.prefix(3))
  }

  /// The end of an error message about this unknown name: `: did you mean unet or unetpp?`, or nothing if no name is
  /// similar.
  package func suggestion(among names: some Sequence<String>) -> String {
    let similar = similarNames(among: names)
    guard let last = similar.last else { return "" }
    let others = similar.dropLast().joined(separator: ", ")
    return ": did you mean \(others.isEmpty ? "" : others + " or ")\(last)?"
  }
}
