import Foundation

/// What a link names: a path and a place in it, or something outside the site.
enum LinkTarget: Equatable {
  /// An address with a scheme or a host.
  case external
  /// A path as it is written, decoded, without its query; empty for the page itself. The fragment is empty where there is none.
  case local(path: String, fragment: String)

  init(_ link: String) {
    if link.hasPrefix("//") || link.prefixMatch(of: /[A-Za-z][A-Za-z0-9+.\-]*:/) != nil {
      self = .external
      return
    }
    let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].prefix { $0 != "?" }
    self = .local(
      path: path.removingPercentEncoding ?? String(path),
      fragment: parts.count == 2 ? parts[1].removingPercentEncoding ?? String(parts[1]) : "")
  }
}
