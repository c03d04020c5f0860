import Foundation

/// The pages of a repository as a static site: README.md, CONTRIBUTING.md, all Markdown below docs, and the files that they link to.
///
/// `docs/README.md` is the start page. The order of its links is the order of the list of pages.
struct Site {
  /// The pages in the order of their list; the start page is the first.
  let pages: [SitePage]
  /// The files that pages link to and that are no pages, by their paths in the repository.
  let files: Set<SitePath>
  private let repository: URL

  /// Reads and converts the pages of a repository. Throws ``SiteError`` for links that lead nowhere.
  init(repository: URL) throws {
    self.repository = repository
    let sources = try Self.sources(in: repository)
    var (pages, files, broken): ([SitePage], Set<SitePath>, [String]) = ([], [], [])
    for source in sources {
      var linked: [SitePath] = []
      /// Returns the link of the page for one of its Markdown.
      func target(_ link: String) -> String {
        guard case .local(let path, let fragment) = LinkTarget(link), !path.isEmpty else { return link }
        guard !path.hasPrefix("/"), let file = source.resolving(path), Self.isFile(file, in: repository) else {
          broken.append("\(source): \(link)")
          return link
        }
        linked.append(file)
        if !sources.contains(file) { files.insert(file) }
        return SitePage.path(of: source).link(to: SitePage.path(of: file)) + (fragment.isEmpty ? "" : "#\(fragment)")
      }
      func picture(_ link: String) throws -> MarkdownPage.Picture {
        guard link.hasSuffix(".svg"), let file = source.resolving(link), Self.isFile(file, in: repository) else {
          return .file(target(link))
        }
        return .embedded(svg: try Self.text(file, in: repository))
      }
      let content = try MarkdownPage(Self.text(source, in: repository), link: target, picture: picture)
      if content.title.isEmpty { throw SiteError.noTitle("\(source)") }
      pages.append(SitePage(source: source, path: SitePage.path(of: source), content: content, linked: linked))
    }
    if !broken.isEmpty { throw SiteError.brokenLinks(broken) }
    self.pages = Self.ordered(pages)
    self.files = files
  }

  /// Writes the site; an archive of DocC lies in the site's folder already. `base` is the path under which the folder is served.
  func write(to folder: URL, archive: DocumentationArchive?, base: SitePath = SitePath("")) throws {
    let template = SiteTemplate(pages: pages, archive: archive)
    for page in pages { try Self.write(Data(template.html(of: page).utf8), to: page.path, in: folder) }
    try Self.write(Data(PackageResources.style_css), to: SiteTemplate.styleSheet, in: folder)
    try archive?.addLinks(to: base.parts.isEmpty ? "/" : "/\(base)/", title: template.siteTitle)
    for file in files {
      try Self.write(Data(contentsOf: repository.appending(path: "\(file)")), to: SitePage.path(of: file), in: folder)
    }
  }

  /// The start page, then by the order of its links, then by name. Pages of a folder follow the folder's index.
  private static func ordered(_ pages: [SitePage]) -> [SitePage] {
    let linked = pages.first { $0.path == SitePath("index.html") }?.linked ?? []
    func key(_ page: SitePage) -> (Int, Int, SitePath) {
      if page.path == SitePath("index.html") { return (-1, 0, page.source) }
      let isInFolder = !page.path.folder.parts.isEmpty
      let head = isInFolder ? page.source.folder.appending("README.md") : page.source
      return (linked.firstIndex(of: head) ?? linked.count, page.source == head ? 0 : 1, page.source)
    }
    return pages.sorted { key($0) < key($1) }
  }

  private static func sources(in repository: URL) throws -> [SitePath] {
    let below = try FileManager.default.subpathsOfDirectory(atPath: repository.appending(path: "docs").path)
    let top = ["README.md", "CONTRIBUTING.md"].map { SitePath($0) }.filter { isFile($0, in: repository) }
    return top + below.filter { $0.hasSuffix(".md") }.map { SitePath("docs/\($0)") }.sorted()
  }

  private static func isFile(_ path: SitePath, in repository: URL) -> Bool {
    var isDirectory: ObjCBool = false
    let exists = FileManager.default.fileExists(
      atPath: repository.appending(path: "\(path)").path, isDirectory: &isDirectory)
    return exists && !isDirectory.boolValue
  }

  private static func text(_ path: SitePath, in repository: URL) throws -> String {
    try String(contentsOf: repository.appending(path: "\(path)"), encoding: .utf8)
  }

  private static func write(_ data: Data, to path: SitePath, in folder: URL) throws {
    let url = folder.appending(path: "\(path)")
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url, options: .atomic)
  }
}
