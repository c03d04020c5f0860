/// A Markdown page as HTML: its title, its headings and its body.
///
/// The body is also well-formed XML. Raw HTML is shown as text, comments are left out.
struct MarkdownPage {
  struct Heading: Equatable {
    let level: Int
    let text: String
    /// The heading's `id`.
    let anchor: String
  }

  /// How a picture is shown.
  enum Picture {
    /// Embedded, with the tooltips and colours of the SVG.
    case embedded(svg: String)
    /// From a file, by the path from the page.
    case file(String)
  }

  /// The text of the first heading of level 1; empty without one.
  let title: String
  let headings: [Heading]
  let html: String

  /// Converts a page. `link` and `picture` give the targets of links and the pictures for those of the Markdown.
  init(
    _ markdown: String, link: (String) throws -> String = { $0 },
    picture: (String) throws -> Picture = { .file($0) }
  ) throws {
    let tree = MarkdownTree(markdown)
    for node in tree.nodes where node.kind == "link" { node.url = try link(node.url) }
    // Lists are taken anew where nodes of the one before are replaced.
    for node in tree.nodes where ["html_block", "html_inline"].contains(node.kind) { Self.replaceHTML(node) }
    for node in tree.nodes where node.kind == "paragraph" && node.isOfPictures {
      let figures = try node.children.filter { $0.kind == "image" }.map { try Self.figure($0, picture) }
      node.replace(withHTML: "<div class=\"figures\">\n\(figures.joined(separator: "\n"))\n</div>")
    }
    for node in tree.nodes where node.kind == "image" {
      switch try picture(node.url) {
      case .embedded(let svg): node.replace(withHTML: "<span class=\"picture\">\(svg.svgElement)</span>")
      case .file(let path): node.url = path
      }
    }
    for node in tree.nodes where node.kind == "table" {
      node.alignNumbers()
      node.wrap("<div class=\"table\">", "</div>")
    }
    var anchors = HeadingAnchors()
    headings = tree.nodes.filter { $0.kind == "heading" }.map { node in
      let text = node.plainText
      let heading = Heading(level: node.headingLevel, text: text, anchor: anchors.anchor(for: text))
      let link = "<a class=\"anchor\" href=\"#\(heading.anchor)\" aria-label=\"Link to this heading\">#</a>"
      node.unwrap("<h\(heading.level) id=\"\(heading.anchor)\">", "\(link)</h\(heading.level)>")
      return heading
    }
    title = headings.first { $0.level == 1 }?.text ?? ""
    html = tree.html
  }

  private static func replaceHTML(_ node: MarkdownTree.Node) {
    if node.literal.hasPrefix("<!--") { node.remove() } else { node.replace(withText: node.literal) }
  }

  private static func figure(_ node: MarkdownTree.Node, _ picture: (String) throws -> Picture) throws -> String {
    let caption = node.plainText.escapedForMarkup
    let content =
      switch try picture(node.url) {
      case .embedded(let svg): svg.svgElement
      case .file(let path): "<img src=\"\(path.escapedForMarkup)\" alt=\"\(caption)\" />"
      }
    return "<figure>\(content)<figcaption>\(caption)</figcaption></figure>"
  }
}

extension MarkdownTree.Node {
  /// Whether a paragraph has pictures and nothing else.
  fileprivate var isOfPictures: Bool {
    children.contains { $0.kind == "image" }
      && children.allSatisfy { $0.kind == "image" || $0.plainText.allSatisfy(\.isWhitespace) }
  }

  /// Aligns to the right the columns of a table that hold numbers and state no alignment. The first column names its row.
  fileprivate func alignNumbers() {
    let rows = children.filter { $0.kind == "table_row" }.map { row in row.children.map(\.plainText) }
    var alignments = alignments
    for column in alignments.indices.dropFirst() where alignments[column] == .unstated {
      let cells = rows.compactMap { column < $0.count ? $0[column] : nil }
      let isOfNumbers = cells.allSatisfy { $0.isEmpty || $0.wholeMatch(of: /[\d.,eE+\-−–()\[\]\/×% ]+/) != nil }
      if isOfNumbers && cells.contains(where: { $0.contains(/\d/) }) { alignments[column] = .right }
    }
    self.alignments = alignments
  }
}

extension String {
  /// The element of an SVG file, without what an XML file has before it.
  fileprivate var svgElement: String { range(of: "<svg").map { String(self[$0.lowerBound...]) } ?? "" }
}
