/// Why a site is not written.
enum SiteError: Error, Equatable, CustomStringConvertible {
  /// Links that lead nowhere, each with its page.
  case brokenLinks([String])
  /// A page without a heading of level 1.
  case noTitle(String)
  /// A file that is not what DocC writes.
  case badArchive(String)

  var description: String {
    switch self {
    case .brokenLinks(let links):
      // One mistake may break the links of every page.
      "\(links.count) broken links:\n" + links.prefix(20).map { "  \($0)" }.joined(separator: "\n")
        + (links.count > 20 ? "\n  …" : "")
    case .noTitle(let page): "\(page) has no heading of level 1"
    case .badArchive(let reason): reason
    }
  }
}
