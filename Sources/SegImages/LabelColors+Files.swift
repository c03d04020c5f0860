import SegEngine
import SegFiles

/// A list of classes and colours that could not be read.
public struct LabelColorsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The cause of the error.
  public enum Cause: Sendable, Equatable {
    /// The file cannot be read.
    case file(FileError)
    /// The file is not UTF-8 text.
    case notText
    /// The line of this number, counted from 1, is not a class with a colour.
    case line(Int, String)
    /// The file has no colours, or too many labels.
    case count(Int)
  }

  /// The file.
  public let path: String
  /// The cause of the error.
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
  /// Reads a list of classes: a text file with one colour per line, as `#804080` or `128 64 128`, separated by spaces, tabs or commas.
  ///
  /// The first colour belongs to label 0, the next to label 1, and so on. A name may precede or follow the colour (`road 128 64 128`). An
  /// explicit label may precede the colour (`7 128 64 128 road`, `-1 0 0 0`); −1 is for unlabelled pixels. Skipped are a header line such
  /// as `name,r,g,b`, empty lines, and lines that begin with `//` or with `#` and a space.
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
      // A header line contains no number.
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
    // The name comes first: it ends at the first number or #rrggbb.
    let before = words.prefix { Int($0) == nil && !$0.hasPrefix("#") }
    words = words.dropFirst(before.count)
    while let word = words.first, let number = Int(word), numbers.count < 4 {
      numbers.append(number)
      words = words.dropFirst()
    }
    var color: Palette.Color?
    var label = next
    if let word = words.first, numbers.count <= 1, let stated = Palette.Color(word) {
      color = stated
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
