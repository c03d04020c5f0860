import Foundation

/// The links of a static site that lead nowhere: of its HTML, and of the pages that DocC draws from JSON.
///
/// Targets outside the site are not asked for.
struct LinkCheck {
  private let folder: URL
  /// The folder that serves as the root of absolute links, as parts of a path; empty for the root itself.
  private let base: SitePath
  private let files: Set<SitePath>

  /// `base` is the path under which the folder is served.
  init(_ folder: URL, base: SitePath = SitePath("")) throws {
    self.folder = folder
    self.base = base
    files = Set(try FileManager.default.subpathsOfDirectory(atPath: folder.path).map { SitePath($0) })
  }

  /// Each broken link with its file, and how many links were looked at.
  func run() throws -> (broken: [String], count: Int) {
    var (broken, count): ([String], Int) = ([], 0)
    var anchors: [SitePath: Set<String>] = [:]
    // The pages of DocC are copies of a few texts.
    var known: [String: [String]] = [:]
    for file in files.sorted() where file.name.hasSuffix(".html") {
      let text = try text(file)
      let links = known[text] ?? Self.attributes(["href", "src"], of: text)
      known[text] = links
      for link in links {
        guard case .local(let path, let fragment) = LinkTarget(link) else { continue }
        count += 1
        guard let target = target(of: path, from: file) else {
          broken.append("\(file): \(link)")
          continue
        }
        guard !fragment.isEmpty, target.name.hasSuffix(".html") else { continue }
        let places = try anchors[target] ?? Set(Self.attributes(["id"], of: self.text(target)))
        anchors[target] = places
        if !places.contains(fragment) { broken.append("\(file): \(link)") }
      }
    }
    for file in files.sorted() where file.name.hasSuffix(".json") && file.parts.dropFirst().first == "data" {
      for link in try topics(file) {
        count += 1
        let page = SitePath("\(file.parts[0])\(link)")
        if !files.contains(page.appending("index.html")) { broken.append("\(file): \(link)") }
      }
    }
    return (broken, count)
  }

  /// The file that a path names; `nil` where there is none.
  private func target(of path: String, from file: SitePath) -> SitePath? {
    if path.isEmpty { return file }
    var resolved = file.resolving(path)
    if path.hasPrefix("/") {
      let parts = SitePath(path).parts
      guard parts.starts(with: base.parts) else { return nil }
      resolved = SitePath(parts.dropFirst(base.parts.count).joined(separator: "/"))
    }
    guard let resolved else { return nil }
    let index = resolved.appending("index.html")
    if files.contains(index) { return index }
    return path.hasSuffix("/") || !files.contains(resolved) ? nil : resolved
  }

  private func text(_ file: SitePath) throws -> String {
    try String(contentsOf: folder.appending(path: "\(file)"), encoding: .utf8)
  }

  /// The values of attributes. In text a quotation mark is `&quot;`, so that what is found are attributes.
  private static func attributes(_ names: [String], of html: String) -> [String] {
    names.flatMap { name in
      html.components(separatedBy: " \(name)=\"").dropFirst().map { rest in
        String(rest.prefix { $0 != "\"" }).replacing("&quot;", with: "\"").replacing("&amp;", with: "&")
      }
    }
  }

  /// The pages that a page of DocC refers to, as paths in its archive.
  private func topics(_ file: SitePath) throws -> [String] {
    let page = try JSONDecoder().decode(Topics.self, from: Data(contentsOf: folder.appending(path: "\(file)")))
    return (page.references ?? [:]).values.compactMap { reference in
      guard reference.type == "topic", let url = reference.url, url.hasPrefix("/") else { return nil }
      return String(url.prefix { $0 != "#" })
    }.sorted()
  }

  private struct Topics: Decodable {
    let references: [String: Reference]?

    struct Reference: Decodable {
      let type: String?
      let url: String?
    }
  }
}
