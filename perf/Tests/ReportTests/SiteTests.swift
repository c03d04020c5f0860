import Foundation
import Testing

@testable import seg_bench

/// `seg-bench site`.
@Suite struct SiteTests {
  private static let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    .standardized

  /// A path of a folder that does not exist yet.
  private let folder = FileManager.default.temporaryDirectory.appending(path: "seg-site-\(UUID().uuidString)")

  private func write(_ files: [String: String], to name: String) throws -> URL {
    for (path, text) in files {
      let url = folder.appending(path: "\(name)/\(path)")
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
    return folder.appending(path: name)
  }

  private func site(_ files: [String: String]) throws -> URL {
    let output = folder.appending(path: "site")
    try Site(repository: write(files, to: "repository")).write(to: output, archive: nil)
    return output
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOf: folder.appending(path: "site/\(name)"), encoding: .utf8)
  }

  /// The pages of this repository: every link and picture leads somewhere, and every page is well-formed.
  @Test func thisRepositoryHasNoBrokenLinks() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let command = try #require(
      try SegBench.parseAsRoot(["site", Self.repository.path, folder.appending(path: "site").path]) as? WriteSite)
    try command.run()
    let pages = try Site(repository: Self.repository).pages
    #expect(pages.map(\.path.description).starts(with: ["index.html", "guide.html", "architecture.html"]))
    for page in pages {
      let html = try text("\(page.path)")
      try expectWellFormed(html)
      for other in pages { #expect(html.contains("<a href=\"\(page.path.link(to: other.path))\"")) }
    }
    let sources = try FileManager.default.subpathsOfDirectory(atPath: Self.repository.appending(path: "docs").path)
    #expect(pages.count == sources.filter { $0.hasSuffix(".md") }.count + 2)
    // A new page has a link on the start page.
    #expect(Set(pages[0].linked).isSuperset(of: pages.dropFirst().map(\.source)))
    #expect(
      FileManager.default.contentsEqual(
        atPath: Self.repository.appending(path: "docs/crf/pupil.png").path,
        andPath: folder.appending(path: "site/crf/pupil.png").path))
  }

  @Test func linksLeadToPagesAndFiles() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let output = try site([
      "README.md": "# R\n[l](LICENSE) [s](docs/README.md) [b](docs/deep/b.md#part-2)", "LICENSE": "free",
      "docs/README.md": "# Start\n[b](deep/b.md)",
      "docs/deep/b.md":
        "# B: long\n## Part 2\n[a](../a.md) [r](../../README.md#r) ![p](p%20q.png) ![s](s.svg) [h](#part-2)",
      "docs/deep/p q.png": "png", "docs/deep/s.svg": "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>",
      "docs/a.md": "# A\n[e](https://e.org/a.md)",
    ])
    let guide = try text("guide.html")
    #expect(guide.contains("<title>Guide – Start</title>"))
    for link in ["LICENSE.txt", "index.html", "deep/b.html#part-2"] { #expect(guide.contains("<a href=\"\(link)\">")) }
    let deep = try text("deep/b.html")
    for link in ["../a.html", "../guide.html#r", "#part-2"] { #expect(deep.contains("<a href=\"\(link)\">")) }
    #expect(deep.contains("<img src=\"p%20q.png\"") && deep.contains("<svg xmlns"))
    #expect(
      deep.contains("<link rel=\"stylesheet\" href=\"../style.css\" />")
        && deep.contains("<title>B: long – Start</title>"))
    #expect(deep.contains("<li class=\"below\"><a href=\"b.html\" aria-current=\"page\">B</a>"))
    #expect(try text("LICENSE.txt") == "free" && text("deep/p q.png") == "png" && !text("style.css").isEmpty)
    #expect(try text("a.html").contains("<a href=\"https://e.org/a.md\">"))
    let (broken, count) = try LinkCheck(output).run()
    #expect(broken == [] && count > 20)
  }

  @Test(
    arguments: [
      "[x](missing.md)", "![x](missing.svg)", "![x](missing.png)", "[x](../../outside.md)", "[x](/docs/README.md)",
      "[x](deep)",
    ])
  func whatIsNotThereIsAnError(link: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let error = #expect(throws: SiteError.self) {
      try site(["docs/README.md": "# S\n\(link)", "docs/deep/a.md": "# A", "outside.md": "# O"])
    }
    guard case .brokenLinks(let links) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(links.count == 1 && links[0].hasPrefix("docs/README.md: "))
  }

  @Test func aPageNeedsATitle() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(throws: SiteError.noTitle("docs/a.md")) { try site(["docs/README.md": "# S", "docs/a.md": "## no title"]) }
  }

  @Test func brokenLinksAreFoundInHTMLAndInDocCsFiles() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    func page(_ path: String) -> String { #"{"type": "topic", "url": "\#(path)"}"# }
    let files = [
      "index.html":
        ##"<a href="a/">1</a> <a href="a/b.html#here">2</a> <a href="#top">3</a> <img src="no.png" /> a href=&quot;x&quot;"##,
      "a/index.html":
        #"<p id="top"><a href="/base/index.html">4</a> <a href="/index.html">5</a> <a href="../..">6</a></p>"#,
      "a/b.html":
        #"<p id="here"><a href="b.html#there">7</a> <a href="https://e.org/x#y">8</a> <a href="no/">9</a></p>"#,
      "api/documentation/m/index.html": #"<script src="/base/api/no.js"></script>"#,
      "api/data/documentation/m.json":
        "{\"references\": {\"a\": \(page("/documentation/m#x")), \"b\": \(page("/documentation/no"))}}",
    ]
    let (broken, count) = try LinkCheck(write(files, to: "site"), base: SitePath("base")).run()
    #expect(
      Set(broken) == [
        "index.html: #top", "index.html: no.png", "a/index.html: /index.html", "a/index.html: ../..",
        "a/b.html: b.html#there",
        "a/b.html: no/", "api/documentation/m/index.html: /base/api/no.js",
        "api/data/documentation/m.json: /documentation/no",
      ])
    #expect(count == 12)
  }

  @Test func modulesAndArticlesComeFromDocCsIndex() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let output = try write(
      [
        "api/index/index.json": """
        {"interfaceLanguages": {"swift": [{"type": "module", "title": "all", "path": "/documentation", "children": [
          {"type": "module", "title": "M", "path": "/documentation/m", "children": [
            {"type": "groupMarker", "title": "Essentials"},
            {"type": "article", "title": "Do < it", "path": "/documentation/m/do"},
            {"type": "symbol", "title": "With topics", "path": "/documentation/m/with"},
            {"type": "symbol", "title": "No article", "path": "/documentation/m/no"}]}]}]}}
        """,
        "api/data/documentation/m.json":
          #"{"abstract": [{"type": "text", "text": "A & "}, {"type": "codeVoice", "code": "b<c>"}]}"#,
        "api/data/documentation/m/do.json":
          #"{"kind": "article", "abstract": [{"type": "reference", "identifier": "i"}], "references": {"i": {"title": "Thing"}}}"#,
        "api/data/documentation/m/with.json": #"{"kind": "article"}"#,
        "api/data/documentation/m/no.json": #"{"kind": "symbol"}"#,
        "api/documentation/m/index.html": #"<body><div id="app"></div></body>"#,
      ], to: "site")
    let repository = try write(["docs/README.md": "# S", "docs/d/a.md": "# A"], to: "repository")
    try Site(repository: repository).write(to: output, archive: DocumentationArchive(named: "api", in: output))
    let start = try text("index.html")
    try expectWellFormed(start)
    #expect(
      start.contains("<li><a href=\"api/documentation/m/\"><code>M</code></a>: A &amp; <code>b&lt;c&gt;</code></li>"))
    #expect(start.contains("<li><a href=\"api/documentation/m/do/\">Do &lt; it</a> (<code>M</code>): Thing</li>"))
    #expect(start.contains("<li><a href=\"api/documentation/m/with/\">With topics</a> (<code>M</code>)</li>"))
    #expect(!start.contains("No article"))
    #expect(try text("d/a.html").contains("<a href=\"../api/documentation/m/\">"))
    // A page of the archive leads back, once, and what it asks for is there.
    try Site(repository: repository).write(to: output, archive: DocumentationArchive(named: "api", in: output))
    let page = try text("api/documentation/m/index.html")
    #expect(page.hasPrefix("<body><a href=\"/\" ") && page.hasSuffix(">S</a><div id=\"app\"></div></body>"))
    #expect(page.components(separatedBy: "<a ").count == 2)
    #expect(try text("api/theme-settings.json") == "{}")
    #expect(
      try LinkCheck(output).run().broken == [
        "index.html: api/documentation/m/do/", "index.html: api/documentation/m/with/",
      ])
    #expect(throws: SiteError.badArchive("\(output.appending(path: "api").path) has no module N")) {
      _ = try DocumentationArchive(named: "api", modules: ["M", "N"], in: output)
    }
    #expect(throws: SiteError.self) {
      _ = try DocumentationArchive(
        named: "empty", in: write(["empty/index/index.json": #"{"interfaceLanguages": {}}"#], to: "site"))
    }
  }
}
