import SegEngine

/// Which colour is which label, for label images that are stored in colours.
public struct LabelColors: Sendable, Hashable {
  /// A label, its colour, and what it is called where that is known.
  public struct Entry: Sendable, Hashable {
    /// The label; `LabelMap.unlabelled` for pixels that have none.
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
  /// Colours of several labels, with two of these.
  private let ambiguous: [Palette.Color: [UInt16]]

  /// Makes a table of entries.
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

  /// Makes a table of a palette's colours: the first is that of label 0.
  public init(_ palette: Palette) {
    self.init(palette.colors.enumerated().map { Entry(label: UInt16($0), color: $1) })
  }

  /// The colours in which labels are drawn: of each the first, and of labels without one that of `Palette.pascalVOC`.
  public var palette: Palette {
    var colors: [Palette.Color] = []
    let drawn = entries.filter { $0.label < 256 }
    for label in 0...(drawn.map(\.label).max() ?? 0) {
      colors.append(drawn.first { $0.label == label }?.color ?? Palette.pascalVOC[label])
    }
    return Palette(colors)
  }

  /// The names of the classes from 0 on, where all up to the last have one.
  public var names: [String]? {
    let classes = entries.filter { $0.label != LabelMap.unlabelled }
    guard let last = classes.map(\.label).max() else { return nil }
    let names = (0...last).compactMap { label in classes.first { $0.label == label }?.name }
    return names.count == Int(last) + 1 ? names : nil
  }

  /// What a colour stands for.
  enum Meaning: Equatable {
    case label(UInt16)
    /// Two of the labels that have it.
    case ambiguous(UInt16, UInt16)
    case none
  }

  /// What a colour stands for.
  func meaning(of color: Palette.Color) -> Meaning {
    if let both = ambiguous[color] { return .ambiguous(both[0], both[1]) }
    return labels[color].map { .label($0) } ?? .none
  }
}
