/// The anchors of a page's headings, by GitHub's rule: lower case, without punctuation, hyphens for spaces, and a number where a text comes
/// again.
struct HeadingAnchors {
  private var taken: [String: Int] = [:]

  mutating func anchor(for text: String) -> String {
    let anchor = String(
      text.lowercased().filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }.map { $0 == " " ? "-" : $0 })
    let count = taken[anchor, default: 0]
    taken[anchor] = count + 1
    return count == 0 ? anchor : "\(anchor)-\(count)"
  }
}
