import Foundation

/// A chart with two axes as SVG: points and lines in colours that are readable on light and dark backgrounds.
///
/// All charts of the reports use it. A point may have a label, which a browser shows as a tooltip.
struct SVGChart {
  /// One of the two axes.
  struct Axis {
    /// The mapping of numbers to positions.
    enum Scale { case linear, logarithmic }

    let label: String
    var scale = Scale.linear
    /// The displayed range; by default that of all points with a margin.
    var range: ClosedRange<Double>?
  }

  /// A point with its label.
  struct Point {
    let x: Double
    let y: Double
    var label = ""
  }

  /// A series of points.
  struct Series {
    enum Mark { case points, line, dashedLine }

    let name: String
    var mark = Mark.points
    let points: [Point]
  }

  let title: String
  var subtitle = ""
  let x: Axis
  let y: Axis
  var series: [Series]

  private static let colours = ["#d9480f", "#3b82c4", "#2f9e6e", "#7c5cbf", "#c2255c", "#7a7f87", "#b08900", "#0b7285"]
  private static let size = (width: 860.0, height: 520.0)
  private static let plot = (left: 84.0, top: 74.0, right: 650.0, bottom: 462.0)
  private static let style = """
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
      .title { font-size: 17px; font-weight: 600 }
      .small { font-size: 11px }
      .ground { fill: #ffffff }
      .grid { stroke: #8c959f; stroke-opacity: 0.35 }
      @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ground { fill: #0d1117 } }
    """

  /// The whole chart as SVG.
  var svg: String {
    let horizontal = Placement(x, series.flatMap { $0.points.map(\.x) }, from: Self.plot.left, to: Self.plot.right)
    let vertical = Placement(y, series.flatMap { $0.points.map(\.y) }, from: Self.plot.bottom, to: Self.plot.top)
    var parts = [text(20, 28, title, "title"), text(20, 50, subtitle, "small")]
    for tick in horizontal.ticks {
      parts.append(line(tick.place, Self.plot.top, tick.place, Self.plot.bottom, #"class="grid""#))
      parts.append(text(tick.place, Self.plot.bottom + 18, tick.label, "small", "middle"))
    }
    for tick in vertical.ticks {
      parts.append(line(Self.plot.left, tick.place, Self.plot.right, tick.place, #"class="grid""#))
      parts.append(text(Self.plot.left - 8, tick.place + 4, tick.label, "small", "end"))
    }
    parts.append(text((Self.plot.left + Self.plot.right) / 2, Self.plot.bottom + 42, x.label, "", "middle"))
    let middle = (Self.plot.top + Self.plot.bottom) / 2
    parts.append(
      "<text transform=\"translate(22 \(number(middle))) rotate(-90)\" text-anchor=\"middle\">\(y.label.escapedForMarkup)</text>"
    )
    for (index, entry) in series.enumerated() {
      let colour = Self.colours[index % Self.colours.count]
      let points = entry.points.filter { horizontal.shows($0.x) && vertical.shows($0.y) }
      switch entry.mark {
      case .points:
        for point in points {
          let title = point.label.isEmpty ? "" : "<title>\(point.label.escapedForMarkup)</title>"
          parts.append(
            "<circle cx=\"\(number(horizontal[point.x]))\" cy=\"\(number(vertical[point.y]))\" r=\"3.5\" fill=\"\(colour)\" "
              + "fill-opacity=\"0.75\">\(title)</circle>")
        }
      case .line, .dashedLine:
        let places = points.map { "\(number(horizontal[$0.x])),\(number(vertical[$0.y]))" }.joined(separator: " ")
        let dashes = entry.mark == .dashedLine ? " stroke-dasharray=\"5 4\"" : ""
        parts.append(
          "<polyline points=\"\(places)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.8\"\(dashes)/>")
      }
      let top = Self.plot.top + 10 + 20 * Double(index)
      let key = Self.plot.right + 16
      switch entry.mark {
      case .points: parts.append("<circle cx=\"\(number(key + 8))\" cy=\"\(number(top))\" r=\"4\" fill=\"\(colour)\"/>")
      case .line, .dashedLine:
        parts.append(
          line(
            key, top, key + 16, top,
            "stroke=\"\(colour)\" stroke-width=\"2\"" + (entry.mark == .dashedLine ? " stroke-dasharray=\"5 4\"" : "")))
      }
      parts.append(text(key + 24, top + 4, entry.name, "small"))
    }
    let (width, height) = (number(Self.size.width), number(Self.size.height))
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)" \
      role="img" aria-label="\(title.escapedForMarkup)">
      <style>
      \(Self.style)
      </style>
      <rect class="ground" width="\(width)" height="\(height)"/>
      \(parts.joined(separator: "\n"))
      </svg>

      """
  }

  /// The mapping of numbers to positions along an axis.
  private struct Placement {
    private let scale: Axis.Scale
    private let range: ClosedRange<Double>
    private let start, end: Double

    init(_ axis: Axis, _ values: [Double], from start: Double, to end: Double) {
      scale = axis.scale
      (self.start, self.end) = (start, end)
      let isLogarithmic = axis.scale == .logarithmic
      let shown = values.filter { $0.isFinite && (!isLogarithmic || $0 > 0) }
      if let range = axis.range {
        self.range = range
      } else if let least = shown.min(), let most = shown.max() {
        range =
          isLogarithmic
          ? least / 1.3...most * 1.3
          : min(0, least)...(most > min(0, least) ? most + 0.05 * (most - min(0, least)) : least + 1)
      } else {
        range = isLogarithmic ? 1...10 : 0...1
      }
    }

    private func fraction(_ value: Double) -> Double {
      switch scale {
      case .linear: (value - range.lowerBound) / (range.upperBound - range.lowerBound)
      case .logarithmic:
        log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
      }
    }

    subscript(value: Double) -> Double { start + (end - start) * fraction(value) }

    func shows(_ value: Double) -> Bool { value.isFinite && range.contains(value) }

    /// About five round numbers in the range.
    var ticks: [(place: Double, label: String)] {
      var values: [Double] = []
      switch scale {
      case .linear:
        let step = Self.roundStep((range.upperBound - range.lowerBound) / 6)
        var index = (range.lowerBound / step).rounded(.up)
        while index * step <= range.upperBound {
          values.append(index * step)
          index += 1
        }
      case .logarithmic:
        let decades = log(range.upperBound / range.lowerBound) / log(10)
        let factors: [Double] = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5]
        var power = Self.power(10, Int((log(range.lowerBound) / log(10)).rounded(.down)))
        while power <= range.upperBound {
          values += factors.map { $0 * power }.filter { range.contains($0) }
          power *= 10
        }
      }
      return values.map { (self[$0], Self.label($0)) }
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
      let power = (0..<abs(exponent)).reduce(1.0) { product, _ in product * base }
      return exponent < 0 ? 1 / power : power
    }

    /// Returns the smallest 1, 2 or 5 times a power of ten that is at least `step`.
    private static func roundStep(_ step: Double) -> Double {
      let decade = power(10, Int((log(step) / log(10)).rounded(.down)))
      return [1, 2, 5, 10].map { $0 * decade }.first { $0 >= step * (1 - 1e-9) } ?? step
    }

    private static func label(_ value: Double) -> String {
      if value == 0 { return "0" }
      let magnitude = abs(value)
      if magnitude >= 10000 || magnitude < 0.001 { return value.scientific }
      let digits =
        magnitude >= 1 ? (value.rounded() == value ? 0 : 1) : magnitude >= 0.1 ? 1 : magnitude >= 0.01 ? 2 : 3
      return value.fixed(digits)
    }
  }

  // MARK: Parts

  private func number(_ value: Double) -> String { value.fixed(1) }

  private func text(_ x: Double, _ y: Double, _ content: String, _ kind: String, _ anchor: String = "start") -> String {
    let style = kind.isEmpty ? "" : " class=\"\(kind)\""
    return
      "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\"\(style)>\(content.escapedForMarkup)</text>"
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> String {
    "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" \(style)/>"
  }
}

extension Double {
  /// The number in scientific notation, such as 2e+05.
  fileprivate var scientific: String { String(format: "%.0e", self) }
}
