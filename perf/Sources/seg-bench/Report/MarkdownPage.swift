import Foundation

/// A Markdown report as one HTML page with embedded pictures, which opens without a server.
///
/// It supports only the syntax of the reports: headings, paragraphs, lists, tables, pictures, links, `code` and *emphasis*.
struct MarkdownPage {
  let markdown: String
  /// The SVG pictures, by their names in the Markdown.
  let pictures: [String: String]

  var html: String {
    let blocks = markdown.components(separatedBy: "\n\n").map { $0.trimmingCharacters(in: .newlines) }
      .filter { !$0.isEmpty }
    let title = blocks.first { $0.hasPrefix("# ") }.map { String($0.dropFirst(2)) } ?? ""
    return """
      <!doctype html>
      <html lang="en">
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(escaped(title))</title>
      <style>
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328; }
      table { border-collapse: collapse; display: block; overflow-x: auto; font-variant-numeric: tabular-nums; }
      th, td { border: 1px solid #d0d7de; padding: 0.25rem 0.6rem; text-align: right; }
      th:first-child, td:first-child { text-align: left; }
      figure { display: inline-block; margin: 0.5rem 1rem 0.5rem 0; vertical-align: top; }
      figure svg { max-width: 100%; height: auto; }
      figcaption { font-size: 0.85rem; color: #57606a; }
      code { font: 0.9em ui-monospace, monospace; background: #f6f8fa; padding: 0.1em 0.3em; }
      </style>
      \(blocks.map(block).joined(separator: "\n"))
      </html>

      """
  }

  private func block(_ text: String) -> String {
    let lines = text.components(separatedBy: "\n")
    if let level = (1...4).first(where: { text.hasPrefix(String(repeating: "#", count: $0) + " ") }) {
      return "<h\(level)>\(inline(String(text.dropFirst(level + 1))))</h\(level)>"
    }
    if lines.allSatisfy({ $0.hasPrefix("|") }) { return table(lines) }
    if text.hasPrefix("- ") {
      // A line that does not begin with a dash continues the previous item.
      let items = lines.reduce(into: [String]()) { items, line in
        if line.hasPrefix("- ") {
          items.append(String(line.dropFirst(2)))
        } else {
          items[items.count - 1] += " " + line.trimmingCharacters(in: .whitespaces)
        }
      }
      return "<ul>\n" + items.map { "<li>\(inline($0))</li>" }.joined(separator: "\n") + "\n</ul>"
    }
    return "<p>\(inline(lines.joined(separator: " ")))</p>"
  }

  private func table(_ lines: [String]) -> String {
    func row(_ line: String, _ tag: String) -> String {
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
      return "<tr>"
        + cells.map { "<\(tag)>\(inline($0.trimmingCharacters(in: .whitespaces)))</\(tag)>" }.joined()
        + "</tr>"
    }
    return "<table>\n" + row(lines[0], "th") + "\n" + lines.dropFirst(2).map { row($0, "td") }.joined(separator: "\n")
      + "\n</table>"
  }

  private func inline(_ text: String) -> String {
    var result = escaped(text.replacingOccurrences(of: "\\[", with: "[").replacingOccurrences(of: "\\]", with: "]"))
    result = result.replacing(/!\[([^\]]*)\]\(([^)]*)\)/) { match in
      let (caption, name) = (String(match.output.1), String(match.output.2))
      guard let picture = pictures[name] else { return caption }
      return "<figure>\(picture)<figcaption>\(caption)</figcaption></figure>"
    }
    result = result.replacing(/\[([^\]]*)\]\(([^)]*)\)/) { "<a href=\"\($0.output.2)\">\($0.output.1)</a>" }
    result = result.replacing(/`([^`]*)`/) { "<code>\($0.output.1)</code>" }
    return result.replacing(/\*([^* ][^*]*)\*/) { "<em>\($0.output.1)</em>" }
  }

  private func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;")
  }
}
