import SegEngine
import SegFiles

/// A list of classes with colours that cannot be used.
public struct LabelColorsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What went wrong.
  public enum Cause: Sendable, Equatable {
    /// The file cannot be read.
    case file(FileError)
    /// It is no UTF-8 text.
    case notText
    /// A line, counted from 1, is no class with a colour.
    case line(Int, String)
    /// It has no colours, or labels too many.
    case count(Int)
  }

  /// The file.
  public let path: String
  /// What went wrong.
  public let cause: Cause

  /// One line that names the file and the cause.
  public var description: String { oneLine("\(path): \(reason)") }

  private var reason: String {
    switch cause {
    case .file(let error): error.reason
    case .notText: "is no UTF-8 text"
    case .line(let number, let text):
      "line \(number) is no colour, as #804080, or 128 64 128, a name and a label besides: \(text)"
    case .count(let count): "has \(count) colours, not 1 to 65535"
    }
  }
}

extension LabelColors {
  /// Reads a list of classes: a text file with a colour a line, as `#804080` or `128 64 128`, separated by spaces, tabs or commas.
  ///
  /// The first colour is that of label 0, the next that of 1, and so on. A name may stand before or behind the colour
  /// (`road 128 64 128`), and a label of its own before the colour (`7 128 64 128 road`, `-1 0 0 0`), where −1 is for pixels that count
  /// for nothing. A first line of titles, such as `name,r,g,b`, is passed over, as are empty lines and those that begin with `//` or
  /// with `#` and a space.
  ///
  /// - Throws: ``LabelColorsError``.
  public init(contentsOf path: String) throws(LabelColorsError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileSystem.contents(of: path, limit: 1 << 24)
    } catch {
      throw LabelColorsError(path: path, cause: .file(error))
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw LabelColorsError(path: path, cause: .notText)
    }
    var entries: [Entry] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = String(line)
      let words = line.split { $0.isWhitespace || $0 == "," || $0 == ";" }.map(String.init)
      if words.isEmpty || line.hasPrefix("//") || words[0] == "#" { continue }
      // Titles have no number.
      if entries.isEmpty, words.allSatisfy({ Int($0) == nil && !$0.hasPrefix("#") }), words.count > 3 { continue }
      guard let entry = Self.entry(words, next: entries.count) else {
        throw LabelColorsError(path: path, cause: .line(index + 1, line))
      }
      entries.append(entry)
    }
    guard (1...65535).contains(entries.count) else {
      throw LabelColorsError(path: path, cause: .count(entries.count))
    }
    self.init(entries)
  }

  private static func entry(_ words: [String], next: Int) -> Entry? {
    var words = words[...]
    var numbers: [Int] = []
    func name(_ words: ArraySlice<String>) -> String? { words.isEmpty ? nil : words.joined(separator: " ") }
    // Names first: up to the first number or #rrggbb.
    let before = words.prefix { Int($0) == nil && !$0.hasPrefix("#") }
    words = words.dropFirst(before.count)
    while let word = words.first, let number = Int(word), numbers.count < 4 {
      numbers.append(number)
      words = words.dropFirst()
    }
    var color: Palette.Color?
    var label = next
    if let word = words.first, word.hasPrefix("#"), word.utf8.count == 7, numbers.count <= 1,
      let value = UInt32(word.dropFirst(), radix: 16)
    {
      color = Palette.Color(UInt8(value >> 16), UInt8(value >> 8 & 255), UInt8(value & 255))
      label = numbers.first ?? next
      words = words.dropFirst()
    } else if numbers.count >= 3 {
      let levels = numbers.suffix(3).compactMap { UInt8(exactly: $0) }
      guard levels.count == 3 else { return nil }
      color = Palette.Color(levels[0], levels[1], levels[2])
      if numbers.count == 4 { label = numbers[0] }
    }
    guard let color, (-1...65535).contains(label), before.isEmpty || words.isEmpty else { return nil }
    return Entry(
      label: label < 0 ? LabelMap.unlabelled : UInt16(label), color: color, name: name(before) ?? name(words))
  }
}
