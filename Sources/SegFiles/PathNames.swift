/// Parts of paths. A path is bytes between slashes: a slash before a combining mark is one too, though it is no `Character` of its own.

private let slash = UInt8(ascii: "/")

/// A path without slashes at its end, of which the root keeps one.
private func trimmed(_ path: String) -> Substring.UTF8View {
  var name = path[...].utf8
  while name.count > 1, name.last == slash { name.removeLast() }
  return name
}

/// What stands before the last slash of a path: empty for a name alone, `/` for an entry of the root. Slashes at the end do not
/// count.
package func parentDirectory(of path: String) -> String {
  let name = trimmed(path)
  guard let place = name.lastIndex(of: slash) else { return "" }
  let parent = String(trimmed(String(path[..<place])))!
  return parent.isEmpty ? "/" : parent
}

/// What stands behind the last slash of a path; slashes at the end do not count.
package func lastComponent(of path: String) -> String {
  let name = trimmed(path)
  guard name.count > 1, let place = name.lastIndex(of: slash) else { return String(name)! }
  return String(name[name.index(after: place)...])!
}

/// The name of a file without what stands before the last slash and from the last dot on. A name that begins with its only dot is whole,
/// and so is one with a space behind the dot.
package func stem(of path: String) -> String {
  let name = lastComponent(of: path)
  return String(name.dropLast(ending(of: name).map { $0.count + 1 } ?? 0))
}

/// What stands behind the last dot of a file's name; `nil` where ``stem(of:)`` is the whole name.
package func ending(of path: String) -> String? {
  let name = lastComponent(of: path)
  guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex else { return nil }
  let ending = name[name.utf8.index(after: dot)...]
  return ending.isEmpty || ending.utf8.contains(UInt8(ascii: " ")) ? nil : String(ending)
}

/// A path below a directory; a name alone where that is empty.
package func joined(_ directory: String, _ path: String) -> String {
  let home = String(trimmed(directory))!
  return home.isEmpty ? path : home == "/" ? home + path : home + "/" + path
}
