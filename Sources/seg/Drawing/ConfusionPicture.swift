import Foundation
import SegIO

/// A confusion matrix as SVG. Each pair of classes has a square; the larger its share of the true class's pixels, the darker it is.
struct ConfusionPicture {
  let counts: [[Int]]
  let names: [String]

  /// The maximum number of classes for which the shares are written into the squares.
  private static let largestLabelled = 24

  /// The style sheet of matrices.
  static let style = """
    .confusion { display: block; }
    .confusion rect { stroke: #ddd; stroke-width: 0.5; }
    .confusion text { font: 11px system-ui, sans-serif; }
    .confusion .light { fill: #fff; }
    """

  var svg: String {
    let classes = counts.count
    let side = max(6, min(44, 880 / max(1, classes)))
    let isLabelled = classes <= Self.largestLabelled
    let labels = names.map(Self.shortened)
    let longest = labels.map(\.count).max() ?? 0
    let margin = isLabelled ? 16 + longest * 7 : 24
    let size = margin + classes * side
    // Below the squares the labels descend at 45 degrees.
    let height = classes * side + (isLabelled ? 24 + longest * 5 : 8)
    var parts: [String] = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" class="confusion" viewBox="0 0 \(size + 8) \(height)" width="\(size + 8)" \
      height="\(height)" role="img" aria-label="Confusion matrix: rows are true classes, columns predicted ones">
      """
    ]
    for (row, line) in counts.enumerated() {
      let total = line.reduce(0, +)
      for (column, count) in line.enumerated() {
        let share = total == 0 ? 0 : Double(count) / Double(total)
        let (x, y) = (margin + column * side, row * side)
        let color = Self.color(share, isRight: row == column)
        parts.append(
          """
          <rect x="\(x)" y="\(y)" width="\(side)" height="\(side)" fill="\(color)"><title>\(escaped(names[row])) as \
          \(escaped(names[column])): \(count.grouped) pixels, \((share * 100).fixed(2)) %</title></rect>
          """)
        if isLabelled && share >= 0.005 {
          parts.append(
            """
            <text x="\(x + side / 2)" y="\(y + side / 2 + 4)" text-anchor="middle" class="\(share > 0.55 ? "light" : "dark")">\
            \((share * 100).fixed(0))</text>
            """)
        }
      }
      if isLabelled {
        let (middle, below) = (row * side + side / 2 + 4, classes * side + 12)
        parts.append("<text x=\"\(margin - 6)\" y=\"\(middle)\" text-anchor=\"end\">\(escaped(labels[row]))</text>")
        let x = margin + row * side + side / 2 + 4
        parts.append(
          "<text x=\"\(x)\" y=\"\(below)\" text-anchor=\"end\" transform=\"rotate(-45 \(x) \(below))\">\(escaped(labels[row]))</text>"
        )
      }
    }
    parts.append("</svg>")
    return parts.joined(separator: "\n")
  }

  /// Returns a name for the margin. The whole name is in the titles of the squares.
  private static func shortened(_ name: String) -> String { name.count <= 22 ? name : name.prefix(21) + "…" }

  /// Returns the colour of a share: from white to blue if the class is right, to red if it is wrong.
  private static func color(_ share: Double, isRight: Bool) -> String {
    let (red, green, blue) = isRight ? (24.0, 90.0, 160.0) : (178.0, 34.0, 34.0)
    func level(_ full: Double) -> Int { Int((255 + (full - 255) * share.squareRoot()).rounded()) }
    return "rgb(\(level(red)),\(level(green)),\(level(blue)))"
  }
}
