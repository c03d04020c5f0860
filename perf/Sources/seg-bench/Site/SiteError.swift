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
    case .brokenLinks(let links): "broken links:\n" + links.map { "  \($0)" }.joined(separator: "\n")
    case .noTitle(let page): "\(page) has no heading of level 1"
    case .badArchive(let reason): reason
    }
  }
}
