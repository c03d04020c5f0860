/// A page of the site.
struct SitePage {
  /// The Markdown file in the repository.
  let source: SitePath
  /// The HTML file in the site.
  let path: SitePath
  let content: MarkdownPage
  /// The pages and files that it links to, by their paths in the repository, in order.
  let linked: [SitePath]

  /// The short title for lists of pages: what stands before a colon.
  var label: String { source == SitePath("README.md") ? "Guide" : String(content.title.prefix { $0 != ":" }) }

  /// Where a file of the repository lies in the site: docs is its root, and README.md of a folder its index.
  static func path(of source: SitePath) -> SitePath {
    switch source.description {
    case "README.md": return SitePath("guide.html")
    case "CONTRIBUTING.md": return SitePath("contributing.html")
    default: break
    }
    let inSite = source.parts.first == "docs" ? SitePath(source.parts.dropFirst().joined(separator: "/")) : source
    let name = inSite.name
    if name == "README.md" { return inSite.folder.appending("index.html") }
    if name.hasSuffix(".md") { return inSite.folder.appending("\(name.dropLast(3)).html") }
    // A browser shows a text file by its name.
    return name.contains(".") ? inSite : inSite.folder.appending("\(name).txt")
  }
}
