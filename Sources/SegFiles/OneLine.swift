/// Returns any text (a path, a name from a file, a C library's message) as a single line. Control characters become spaces, bytes of a
/// path that are not UTF-8 are written as `\xE9`, and text above the limit is cut.
package func oneLine(_ text: String, limit: Int = 600) -> String {
  var line = String.UnicodeScalarView()
  var length = 0
  for scalar in text.showingUndecodableBytes().unicodeScalars {
    if length == limit {
      line.append("…")
      break
    }
    let isControl = scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
    line.append(isControl ? " " : scalar)
    length += 1
  }
  while line.last == " " { line.removeLast() }
  return String(line)
}
