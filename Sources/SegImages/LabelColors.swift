import SegEngine

/// A table of colours and labels, for label images that are stored in colours.
public struct LabelColors: Sendable, Hashable {
  /// A label with its colour and optionally its name.
  public struct Entry: Sendable, Hashable {
    /// The label; `LabelMap.unlabelled` for pixels without a class.
    public let label: UInt16
    /// The colour.
    public let color: Palette.Color
    /// The name of the class.
    public let name: String?

    /// Makes an entry.
    public init(label: UInt16, color: Palette.Color, name: String? = nil) {
      self.label = label
      self.color = color
      self.name = name
    }
  }

  /// All entries. A label may have several colours.
  public let entries: [Entry]
  private let labels: [Palette.Color: UInt16]
  /// Colours of several labels, each with two of the labels.
  private let ambiguous: [Palette.Color: [UInt16]]

  /// Makes a table from entries.
  public init(_ entries: [Entry]) {
    self.entries = entries
    var (labels, ambiguous): ([Palette.Color: UInt16], [Palette.Color: [UInt16]]) = ([:], [:])
    for entry in entries {
      if let other = labels[entry.color], other != entry.label { ambiguous[entry.color] = [other, entry.label] }
      labels[entry.color] = labels[entry.color] ?? entry.label
    }
    self.labels = labels
    self.ambiguous = ambiguous
  }

  /// Makes a table from a palette, whose first colour is that of label 0.
  public init(_ palette: Palette) {
    self.init(palette.colors.enumerated().map { Entry(label: UInt16($0), color: $1) })
  }

  /// The colours for drawing labels: the first colour of each label, or that of `Palette.distinct` if it has none.
  public var palette: Palette {
    var colors: [Palette.Color] = []
    let drawn = entries.filter { $0.label < 256 }
    for label in 0...(drawn.map(\.label).max() ?? 0) {
      colors.append(drawn.first { $0.label == label }?.color ?? Palette.distinct[label])
    }
    return Palette(colors)
  }

  /// The names of the classes from 0; `nil` unless all classes up to the last have one.
  public var names: [String]? {
    let classes = entries.filter { $0.label != LabelMap.unlabelled }
    guard let last = classes.map(\.label).max() else { return nil }
    let names = (0...last).compactMap { label in classes.first { $0.label == label }?.name }
    return names.count == Int(last) + 1 ? names : nil
  }

  /// The names and colours for drawing. Without a name for each class there are no names.
  public var classList: ClassList { ClassList(names: names ?? [], palette: palette) }

  /// The label or labels of a colour.
  enum Meaning: Equatable {
    case label(UInt16)
    /// Several labels; two of them are given.
    case ambiguous(UInt16, UInt16)
    case none
  }

  /// Returns the label or labels of a colour.
  func meaning(of color: Palette.Color) -> Meaning {
    if let both = ambiguous[color] { return .ambiguous(both[0], both[1]) }
    return labels[color].map { .label($0) } ?? .none
  }
}
