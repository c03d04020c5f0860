import Foundation

/// Curves over the steps of a training as SVG, with a title above and a key below.
struct LineChart {
  /// A curve.
  struct Line {
    /// How a curve is drawn.
    enum Style: String {
      case strong, thin, faint
    }

    /// The name in the key; `nil` to leave it out.
    var name: String?
    /// The colour in CSS.
    let color: String
    var style = Style.strong
    /// Step and number of each point, in order.
    let points: [(step: Double, value: Double)]
  }

  let title: String
  let lines: [Line]
  /// The last step on the horizontal axis.
  let end: Double
  /// The range of the vertical axis. Numbers beyond it are drawn at its edge.
  let range: ClosedRange<Double>
  /// A point that stands out, with its text.
  var mark: (step: Double, value: Double, text: String)?

  /// The style sheet of charts.
  static let style = """
    .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 0.5rem 1.5rem; }
    .chart h3 { margin: 0.5rem 0 0; font-size: 1rem; }
    .chart svg { display: block; width: 100%; height: auto; }
    .chart text { font: 12px system-ui, sans-serif; fill: #555; }
    .chart .grid { stroke: #e4e4e4; }
    .chart polyline { fill: none; stroke-linejoin: round; stroke-linecap: round; }
    .chart .strong { stroke-width: 2; }
    .chart .thin { stroke-width: 1.2; }
    .chart .faint { stroke-width: 1; opacity: 0.35; }
    .chart .mark { fill: #222; font-weight: 600; stroke: #fff; stroke-width: 3; paint-order: stroke; }
    .key { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: 0; margin: 0; list-style: none; font-size: 0.85rem; color: #555; }
    """

  private static let size = (width: 400.0, height: 230.0)
  private static let plot = (left: 54.0, top: 12.0, right: 388.0, bottom: 200.0)

  var html: String {
    let keys = lines.compactMap { line in
      line.name.map { "<li><span class=\"swatch\" style=\"background:\(line.color)\"></span>\(escaped($0))</li>" }
    }
    let key = keys.count > 1 ? "\n<ul class=\"key\">\(keys.joined())</ul>" : ""
    return """
      <div class="chart">
      <h3>\(escaped(title))</h3>
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.size.width.fixed(0)) \(Self.size.height.fixed(0))" role="img" \
      aria-label="\(escaped(title)) over steps">
      \((axes + lines.map(drawn) + marked).joined(separator: "\n"))
      </svg>\(key)
      </div>
      """
  }

  private func x(_ step: Double) -> Double {
    Self.plot.left + (Self.plot.right - Self.plot.left) * step / max(end, 1)
  }

  private func y(_ value: Double) -> Double {
    let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    return Self.plot.bottom + (Self.plot.top - Self.plot.bottom) * min(max(share, 0), 1)
  }

  private var axes: [String] {
    let (left, right, bottom) = (Self.plot.left, Self.plot.right, Self.plot.bottom)
    let rows = Self.ticks(range, 5).flatMap { value in
      let y = y(value).fixed(1)
      return [
        "<line class=\"grid\" x1=\"\(left)\" y1=\"\(y)\" x2=\"\(right)\" y2=\"\(y)\"/>",
        "<text x=\"\(left - 6)\" y=\"\((self.y(value) + 4).fixed(1))\" text-anchor=\"end\">\(Self.label(value))</text>",
      ]
    }
    let columns = Self.ticks(0...max(end, 1), 5).filter { $0 == $0.rounded() }.map { step in
      let anchor = step > 0.95 * end ? "end" : "middle"
      let x = anchor == "end" ? min(x(step) + 12, right + 8) : x(step)
      return "<text x=\"\(x.fixed(1))\" y=\"\(bottom + 20)\" text-anchor=\"\(anchor)\">\(Int(step).grouped)</text>"
    }
    return rows + columns
  }

  private func drawn(_ line: Line) -> String {
    if line.points.count == 1, let point = line.points.first {
      return
        "<circle cx=\"\(x(point.step).fixed(1))\" cy=\"\(y(point.value).fixed(1))\" r=\"3\" fill=\"\(line.color)\"/>"
    }
    let places = line.points.map { "\(x($0.step).fixed(1)),\(y($0.value).fixed(1))" }
    return
      "<polyline class=\"\(line.style.rawValue)\" stroke=\"\(line.color)\" points=\"\(places.joined(separator: " "))\"/>"
  }

  private var marked: [String] {
    guard let mark else { return [] }
    let (x, y) = (x(mark.step), y(mark.value))
    // Above the point, or below where there is no room.
    let below = y < Self.plot.top + 16
    let anchor = x > 0.75 * Self.plot.right ? "end" : x < 0.3 * Self.plot.right ? "start" : "middle"
    return [
      "<circle cx=\"\(x.fixed(1))\" cy=\"\(y.fixed(1))\" r=\"3.5\" fill=\"#222\"/>",
      """
      <text class="mark" x="\(x.fixed(1))" y="\((below ? y + 18 : y - 8).fixed(1))" text-anchor="\(anchor)">\
      \(escaped(mark.text))</text>
      """,
    ]
  }

  /// Returns round numbers in a range, about as many as asked for.
  private static func ticks(_ range: ClosedRange<Double>, _ count: Int) -> [Double] {
    let rough = (range.upperBound - range.lowerBound) / Double(count)
    let decade = pow(10, log10(rough).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * decade }.first { $0 >= rough * 0.999 } ?? rough
    let first = Int((range.lowerBound / step - 1e-9).rounded(.up))
    let last = Int((range.upperBound / step + 1e-9).rounded(.down))
    return first > last ? [] : (first...last).map { Double($0) * step }
  }

  private static func label(_ value: Double) -> String { String(format: "%g", value) }
}
