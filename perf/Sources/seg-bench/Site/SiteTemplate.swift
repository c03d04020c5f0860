/// What every page of the site has around its content: head, header and the list of pages.
///
/// SVG pictures are embedded, and the classes of their style sheets (`title`, `small`, `ground`, `grid`, `one`) count for the whole page: the
/// template uses none of them.
struct SiteTemplate {
  let pages: [SitePage]
  let archive: DocumentationArchive?

  static let styleSheet = SitePath("style.css")
  private static let start = SitePath("index.html")

  /// The whole page; also well-formed XML.
  func html(of page: SitePage) -> String {
    let isStart = page.path == Self.start
    let title = page.content.title + (isStart ? "" : " – \(siteTitle)")
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>\(title.escapedForMarkup)</title>
      <link rel="icon" href="data:," />
      <link rel="stylesheet" href="\(page.path.link(to: Self.styleSheet))" />
      </head>
      <body>
      <header>
      <a href="\(page.path.link(to: Self.start))">\(siteTitle.escapedForMarkup)</a>
      <a class="jump" href="#list-of-pages">All pages</a>
      </header>
      <main>
      \(page.content.html)\(isStart ? topics : "")</main>
      <nav id="list-of-pages" aria-label="All pages">
      \(navigation(from: page))
      </nav>
      </body>
      </html>

      """
  }

  /// The title of the start page.
  var siteTitle: String { pages.first { $0.path == Self.start }?.content.title ?? "" }

  // MARK: Modules and articles

  /// The modules and articles of DocC's archive, for the start page.
  private var topics: String {
    guard let archive else { return "" }
    let modules = archive.modules.map { item($0.topic, "<code>\($0.topic.title.escapedForMarkup)</code>") }
    let articles = archive.modules.flatMap { module in
      module.articles.map { item($0, $0.title.escapedForMarkup, module: module.topic.title) }
    }
    return section("Modules", modules) + section("Articles", articles)
  }

  private func section(_ title: String, _ items: [String]) -> String {
    let anchor = title.lowercased()
    return """
      <h2 id="\(anchor)">\(title)<a class="anchor" href="#\(anchor)" aria-label="Link to this heading">#</a></h2>
      <ul>
      \(items.joined(separator: "\n"))
      </ul>

      """
  }

  private func item(_ topic: DocumentationArchive.Topic, _ title: String, module: String? = nil) -> String {
    let place = module.map { " (<code>\($0.escapedForMarkup)</code>)" } ?? ""
    let abstract = topic.abstract.isEmpty ? "" : ": \(topic.abstract)"
    return "<li><a href=\"\(topic.link.escapedForMarkup)\">\(title)</a>\(place)\(abstract)</li>"
  }

  // MARK: The list of pages

  private func navigation(from page: SitePage) -> String {
    var lines = ["<ul>"]
    for entry in pages {
      let isCurrent = entry.path == page.path
      let isBelow = !entry.path.folder.parts.isEmpty && entry.path.name != "index.html"
      let current = isCurrent ? " aria-current=\"page\"" : ""
      let label = entry.path == Self.start ? "Start" : entry.label
      lines.append(
        "<li\(isBelow ? " class=\"below\"" : "")><a href=\"\(page.path.link(to: entry.path))\"\(current)>"
          + "\(label.escapedForMarkup)</a>\(isCurrent ? sections(of: entry) : "")</li>")
    }
    lines.append("</ul>")
    if let archive {
      let root = page.path.link(to: SitePath("x")).dropLast()
      lines.append("<p>Modules</p>\n<ul>")
      lines += archive.modules.map {
        "<li><a href=\"\(root)\($0.topic.link.escapedForMarkup)\"><code>\($0.topic.title.escapedForMarkup)</code></a></li>"
      }
      lines.append("</ul>")
    }
    return lines.joined(separator: "\n")
  }

  /// The headings of level 2 of a page.
  private func sections(of page: SitePage) -> String {
    let items = page.content.headings.filter { $0.level == 2 }.map {
      "<li><a href=\"#\($0.anchor.escapedForMarkup)\">\($0.text.escapedForMarkup)</a></li>"
    }
    return items.isEmpty ? "" : "\n<ul>\n\(items.joined(separator: "\n"))\n</ul>\n"
  }
}
