/// What stands before the last slash of a path: empty for a name alone, `/` for an entry of the root. Slashes at the end do not
/// count.
///
/// Foundation's `deletingLastPathComponent` ends the program for a path of one character (Swift 6.3 on Linux).
package func parentDirectory(of path: String) -> String {
  var name = path[...]
  while name.count > 1, name.hasSuffix("/") { name.removeLast() }
  guard let slash = name.lastIndex(of: "/") else { return "" }
  var parent = name[..<slash]
  while parent.count > 1, parent.hasSuffix("/") { parent.removeLast() }
  return parent.isEmpty ? "/" : String(parent)
}
