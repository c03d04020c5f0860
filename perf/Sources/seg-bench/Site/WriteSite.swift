import ArgumentParser
import Foundation

/// Writes the documentation as a static site.
struct WriteSite: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "site", abstract: "Writes the pages of the repository as a static site, and checks every link in it.",
    discussion: """
      The pages are README.md, CONTRIBUTING.md and all Markdown below docs; docs/README.md is the start page. Links and pictures that lead \
      nowhere are an error.

      Example: seg-bench site . .build/site --archive api
      """)

  @Argument(help: "The repository.") var repository: String
  @Argument(help: "The directory to write to; made where it is not there.") var output: String
  @Option(help: "The directory in the output that has DocC's static archive.") var archive: String?
  @Option(help: "The path under which the output is served; by default the root.") var base = ""

  func run() throws {
    let folder = URL(filePath: output)
    let site = try Site(repository: URL(filePath: repository))
    let base = SitePath(base)
    try site.write(to: folder, archive: archive.map { try DocumentationArchive(named: $0, in: folder) }, base: base)
    let (broken, count) = try LinkCheck(folder, base: base).run()
    if !broken.isEmpty { throw SiteError.brokenLinks(broken) }
    print("\(site.pages.count) pages, \(count) links: \(folder.appending(path: "index.html").path)")
  }
}
