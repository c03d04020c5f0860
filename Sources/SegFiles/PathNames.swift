/// Functions for parts of paths. A path is bytes between slashes. They work on UTF-8: a slash before a combining mark is a separator too,
/// although it is not a `Character`.

private let slash = UInt8(ascii: "/")

/// Returns a path without trailing slashes; the root keeps one.
private func trimmed(_ path: String) -> Substring.UTF8View {
  var name = path[...].utf8
  while name.count > 1, name.last == slash { name.removeLast() }
  return name
}

/// Returns the part of a path before the last slash: empty for a single name, `/` for an entry of the root. Trailing slashes are ignored.
package func parentDirectory(of path: String) -> String {
  let name = trimmed(path)
  guard let place = name.lastIndex(of: slash) else { return "" }
  let parent = String(trimmed(String(path[..<place])))!
  return parent.isEmpty ? "/" : parent
}

/// Returns the part of a path after the last slash. Trailing slashes are ignored.
package func lastComponent(of path: String) -> String {
  let name = trimmed(path)
  guard name.count > 1, let place = name.lastIndex(of: slash) else { return String(name)! }
  return String(name[name.index(after: place)...])!
}

/// Returns the last component of a path without its ending, which begins at the last dot. A name whose only dot is its first character
/// has no ending, nor has one with a space after the dot.
package func stem(of path: String) -> String {
  let name = lastComponent(of: path)
  return String(name.dropLast(ending(of: name).map { $0.count + 1 } ?? 0))
}

/// Returns the part of a file's name after the last dot; `nil` if ``stem(of:)`` is the whole name.
package func ending(of path: String) -> String? {
  let name = lastComponent(of: path)
  guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex else { return nil }
  let ending = name[name.utf8.index(after: dot)...]
  return ending.isEmpty || ending.utf8.contains(UInt8(ascii: " ")) ? nil : String(ending)
}

/// Returns a path below a directory; the path alone if the directory is empty.
package func joined(_ directory: String, _ path: String) -> String {
  let home = String(trimmed(directory))!
  return home.isEmpty ? path : home == "/" ? home + path : home + "/" + path
}
