import Testing

@testable import seg_bench

/// Charts as SVG.
@Suite struct ChartTests {
  /// A chart is well-formed XML that has what it was given.
  @Test func chartsAreWellFormed() throws {
    for (scale, values) in [
      (SVGChart.Axis.Scale.linear, [0.0, 1, 2.5]), (.logarithmic, [0.01, 3, 2000]), (.linear, []),
    ] {
      let chart = SVGChart(
        title: "a < b & \"c\"", x: .init(label: "x", scale: scale), y: .init(label: "y", scale: scale),
        series: [
          .init(name: "points", points: values.map { .init(x: $0, y: $0, label: "p<\($0)>") }),
          .init(name: "line", mark: .dashedLine, points: values.map { .init(x: $0, y: $0) }),
        ])
      let document = XMLDocumentCounter()
      #expect(document.parse(chart.svg))
      #expect(document.counts["circle"] == values.count + 1)
      #expect(document.counts["polyline"] == 1)
    }
    // Numbers that an axis cannot show are left out.
    let odd = SVGChart(
      title: "", x: .init(label: "", scale: .logarithmic), y: .init(label: "", scale: .logarithmic),
      series: [
        .init(
          name: "", points: [.init(x: 0, y: 1), .init(x: .nan, y: 1), .init(x: 1, y: .infinity), .init(x: 2, y: 3)])
      ])
    let document = XMLDocumentCounter()
    #expect(document.parse(odd.svg))
    #expect(document.counts["circle"] == 2)
  }
}

/// Counts elements: a tag that is not closed, or closed by another one, is no document.
private final class XMLDocumentCounter {
  private(set) var counts: [String: Int] = [:]

  func parse(_ text: String) -> Bool {
    var open: [String] = []
    var rest = text[...]
    while let start = rest.firstIndex(of: "<") {
      guard let end = rest[start...].firstIndex(of: ">") else { return false }
      let tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.contains("<") { return false }
      if tag.hasPrefix("/") {
        guard open.popLast() == String(tag.dropFirst()) else { return false }
        continue
      }
      let name = String(tag.prefix { !$0.isWhitespace && $0 != "/" })
      counts[name, default: 0] += 1
      if !tag.hasSuffix("/") { open.append(name) }
    }
    return open.isEmpty
  }
}
