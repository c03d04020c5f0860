import Foundation
import SegEngine
import SegIO

/// A self-contained HTML page: no scripts, and no external styles or pictures.
struct HTMLPage {
  let title: String
  /// The parts below the title. Empty ones are left out.
  let sections: [String]

  var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(escaped(title))</title>
    <style>
    \(Self.style)
    </style>
    </head>
    <body>
    <h1>\(escaped(title))</h1>
    \(sections.filter { !$0.isEmpty }.joined(separator: "\n"))
    </body>
    </html>

    """
  }

  /// Writes the page, completely or not at all.
  func write(to path: String) throws {
    try Failure.writing { try FileSystem.write(Array(html.utf8), to: path) }
  }

  private static let style =
    """
    body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #222; }
    h1, h2, h3 { font-weight: 600; overflow-wrap: anywhere; }
    .scroll { overflow-x: auto; max-width: 100%; }
    table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }
    th, td { padding: 0.2rem 0.55rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
    th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
    tr.mean td { font-weight: 600; border-top: 2px solid #888; }
    .swatch { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.5em; border: 1px solid #888; }
    .bar { display: inline-block; width: 6rem; height: 0.8em; background: #e8e8e8; }
    @media (max-width: 30rem) { .bar { width: 3rem; } th, td { padding: 0.2rem 0.3rem; } }
    .bar span { display: block; height: 100%; background: #185aa0; }
    .figures { display: flex; flex-wrap: wrap; gap: 0.6rem 2rem; padding: 0; list-style: none; }
    .figures b { display: block; font-size: 1.5rem; }
    """ + "\n"
    + [ConfusionPicture.style, EvaluationPictures.style, LineChart.style, SettingsList.style].joined(separator: "\n")

  /// Returns a table that scrolls where it is wider than the page. Cells are HTML.
  static func table(_ header: [String], _ rows: [[String]], lastIsMean: Bool = false) -> String {
    let head = header.map { "<th>\($0)</th>" }.joined()
    let lines = rows.enumerated().map { index, cells in
      let isMean = lastIsMean && index == rows.count - 1
      return "<tr\(isMean ? " class=\"mean\"" : "")>" + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"
    }
    return "<div class=\"scroll\"><table>\n<tr>\(head)</tr>\n\(lines.joined(separator: "\n"))\n</table></div>"
  }

  /// Returns a row of large numbers, each above its title. Those without a number are left out.
  static func figures(_ figures: [(title: String, number: String?)]) -> String {
    let items = figures.compactMap { title, number in number.map { "<li><b>\(escaped($0))</b>\(escaped(title))</li>" } }
    return "<ul class=\"figures\">\n\(items.joined(separator: "\n"))\n</ul>"
  }

  /// Returns a bar whose filled part is a share; an empty one without a number.
  static func bar(_ share: Double?) -> String {
    let filled = min(max(share ?? 0, 0), 1)
    return "<span class=\"bar\"><span style=\"width:\((filled * 100).fixed(1))%\"></span></span>"
  }
}

/// Escapes text for HTML and SVG.
func escaped(_ text: String) -> String {
  text.showingUndecodableBytes().replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    .replacing("\"", with: "&quot;")
}

/// Returns a square of a colour for HTML, or an empty one.
func swatch(_ color: Palette.Color?) -> String {
  let style = color.map { " style=\"background:\($0.css)\"" } ?? ""
  return "<span class=\"swatch\"\(style)></span>"
}

extension Palette.Color {
  /// The colour in CSS and SVG.
  var css: String { "rgb(\(red),\(green),\(blue))" }
}
