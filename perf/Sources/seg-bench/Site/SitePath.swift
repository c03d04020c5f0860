import Foundation

/// A path of a file below a folder, with its parts.
struct SitePath: Hashable, Comparable, CustomStringConvertible {
  private(set) var parts: [String]

  init(_ path: String) { parts = path.split(separator: "/").map(String.init) }

  private init(parts: [String]) { self.parts = parts }

  var name: String { parts.last ?? "" }
  var folder: SitePath { SitePath(parts: Array(parts.dropLast())) }
  var description: String { parts.joined(separator: "/") }

  static func < (left: SitePath, right: SitePath) -> Bool { left.description < right.description }

  func appending(_ name: String) -> SitePath { SitePath(parts: parts + [name]) }

  /// The file that a link in this file names; `nil` where it leads out of the folder.
  func resolving(_ link: String) -> SitePath? {
    var result = Array(parts.dropLast())
    for part in link.split(separator: "/") where part != "." {
      if part != ".." {
        result.append(String(part))
      } else if result.popLast() == nil {
        return nil
      }
    }
    return SitePath(parts: result)
  }

  /// The link by which this file names another one.
  func link(to other: SitePath) -> String {
    let here = parts.dropLast()
    let shared = zip(here, other.parts.dropLast()).prefix { $0 == $1 }.count
    let steps = Array(repeating: "..", count: here.count - shared) + other.parts.dropFirst(shared)
    return steps.joined(separator: "/").addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? ""
  }
}
