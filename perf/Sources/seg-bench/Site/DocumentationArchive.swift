import Foundation

/// The modules and articles of a static archive that DocC wrote, from its index.
struct DocumentationArchive {
  /// A page of the archive.
  struct Topic {
    let title: String
    /// The abstract as HTML.
    let abstract: String
    /// The link from the root of the site.
    let link: String
  }

  struct Module {
    let topic: Topic
    let articles: [Topic]
  }

  let modules: [Module]
  private let folder: URL

  /// Reads the archive in a folder of the site.
  init(named name: String, in site: URL) throws {
    folder = site.appending(path: name)
    let folder = folder
    let index = try Self.decode(Index.self, folder.appending(path: "index/index.json"))
    let items = (index.interfaceLanguages["swift"] ?? []).flatMap(\.all)
    func page(_ item: Item) throws -> Page {
      try Self.decode(Page.self, folder.appending(path: "data\(item.path ?? "").json"))
    }
    func topic(_ item: Item) throws -> Topic {
      let page = try page(item)
      let abstract = (page.abstract ?? []).map { $0.html(page.references ?? [:]) }.joined()
      return Topic(title: item.title, abstract: abstract, link: "\(name)\(item.path ?? "")/")
    }
    // The archive itself is a module too: the one that contains the others.
    modules = try items.filter { $0.type == "module" && !$0.hasModules }.map { module in
      // The index calls an article with topics a symbol; its page says what it is.
      let children = (module.children ?? []).filter { ["article", "symbol"].contains($0.type) }
      return Module(
        topic: try topic(module), articles: try children.filter { try page($0).kind == "article" }.map(topic))
    }
    if modules.isEmpty { throw SiteError.badArchive("\(folder.path) has no modules") }
  }

  /// Puts a link to the start of the site above every page of the archive, which has none.
  func addLinks(to start: String, title: String) throws {
    let link = """
      <a href="\(start.escapedForMarkup)" style="display: block; padding: 0.5rem 1rem; font: 600 16px system-ui, sans-serif; \
      color: var(--color-link)">\(title.escapedForMarkup)</a>
      """
    let place = "<div id=\"app\">"
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where path.hasSuffix("index.html") {
      let file = folder.appending(path: path)
      let page = try String(contentsOf: file, encoding: .utf8)
      guard page.contains(place) else { throw SiteError.badArchive("\(file.path) has no \(place)") }
      if !page.contains(link) { try Data(page.replacing(place, with: link + place).utf8).write(to: file) }
    }
    // The pages ask for it.
    let settings = folder.appending(path: "theme-settings.json")
    if !FileManager.default.fileExists(atPath: settings.path) { try Data("{}".utf8).write(to: settings) }
  }

  private static func decode<Value: Decodable>(_ type: Value.Type, _ file: URL) throws -> Value {
    try JSONDecoder().decode(type, from: Data(contentsOf: file))
  }

  // MARK: Files of DocC

  private struct Index: Decodable { let interfaceLanguages: [String: [Item]] }

  private struct Item: Decodable {
    let title: String
    /// Absent where there is no page, such as for the heading of a group.
    let path: String?
    let type: String?
    let children: [Item]?

    /// The item and all below it.
    var all: [Item] { [self] + (children ?? []).flatMap(\.all) }
    var hasModules: Bool { (children ?? []).contains { $0.type == "module" } }
  }

  private struct Page: Decodable {
    let kind: String?
    let abstract: [Inline]?
    let references: [String: Reference]?
  }

  private struct Reference: Decodable { let title: String? }

  private struct Inline: Decodable {
    let type: String
    let text: String?
    let code: String?
    let identifier: String?
    let inlineContent: [Inline]?

    func html(_ references: [String: Reference]) -> String {
      if let inlineContent { return inlineContent.map { $0.html(references) }.joined() }
      if let code { return "<code>\(code.escapedForMarkup)</code>" }
      if let identifier { return (references[identifier]?.title ?? "").escapedForMarkup }
      return (text ?? "").escapedForMarkup
    }
  }
}
