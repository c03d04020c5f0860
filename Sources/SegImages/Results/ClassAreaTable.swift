import SegEngine
import SegFiles

/// A table of the class areas of images, as comma-separated values.
///
/// Columns are `image,class,name,pixels,share`, and `area` in square map units if the area of a pixel is known for an
/// image. Lines end with CR LF, and fields with commas, quotes or line breaks are quoted (RFC 4180). The text is UTF-8.
public struct ClassAreaTable: Sendable {
  private let names: [String]
  private var rows: [(image: String, areas: ClassAreas)] = []

  /// Makes a table without images.
  ///
  /// - Parameter names: The names of the classes, from class 0 on. A class n beyond them is called "class n".
  public init(names: [String] = []) { self.names = names }

  /// Adds the classes of an image, a row each.
  ///
  /// - Parameters:
  ///   - areas: The areas.
  ///   - image: The name of the image.
  public mutating func add(_ areas: ClassAreas, image: String) { rows.append((image, areas)) }

  /// The table as text.
  public var csv: String {
    let hasAreas = rows.contains { $0.areas.classes.contains { $0.area != nil } }
    var result = "image,class,name,pixels,share\(hasAreas ? ",area" : "")\r\n"
    for (image, areas) in rows {
      for entry in areas.classes {
        let name = Self.field(names.className(of: entry.label))
        result += "\(Self.field(image)),\(entry.label),\(name),\(entry.pixels),\(entry.share)"
        if hasAreas { result += "," + (entry.area.map { "\($0)" } ?? "") }
        result += "\r\n"
      }
    }
    return result
  }

  /// Writes the table. A file at `path` is replaced atomically; on failure it stays as it was.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  public func write(to path: String) throws(FileError) { try AtomicFile.create(path, containing: Array(csv.utf8)) }

  /// A field, in quotes if it needs them.
  private static func field(_ text: String) -> String {
    // Scalars, since CR LF is one character.
    guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      if scalar == "\"" { quoted.unicodeScalars.append("\"") }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }
}
