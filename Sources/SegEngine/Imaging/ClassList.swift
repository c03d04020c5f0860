/// The classes of a segmentation: the name and the colour of each label.
public struct ClassList: Sendable, Hashable {
  /// The names of the labels from 0. Labels beyond them have no name.
  public let names: [String]
  /// The colours of the labels.
  public let palette: Palette
  /// The label of pixels that belong to no object, which is not drawn over images; `nil` if every label is drawn.
  public let background: UInt16?

  /// Creates a list of classes.
  ///
  /// - Parameters:
  ///   - names: The names of the labels from 0. There may be fewer than labels, or none.
  ///   - palette: The colours of the labels.
  ///   - background: The label that is not drawn over images; `nil` if every label is drawn.
  public init(names: [String], palette: Palette = .distinct, background: UInt16?) {
    self.names = names
    self.palette = palette
    self.background = background
  }

  /// Creates a list of classes whose label 0 is the background if it has no name, or a name such as `background`,
  /// `void` or `unlabelled`.
  ///
  /// - Parameters:
  ///   - names: The names of the labels from 0. There may be fewer than labels, or none.
  ///   - palette: The colours of the labels.
  public init(names: [String] = [], palette: Palette = .distinct) {
    let isBackground = names.first.map { Self.backgroundNames.contains($0.lowercased()) } ?? true
    self.init(names: names, palette: palette, background: isBackground ? 0 : nil)
  }

  private static let backgroundNames: Set = [
    "background", "_background_", "bg", "void", "unlabelled", "unlabeled", "none",
  ]

  /// The name of a label: that of the list, or `background` for ``background``, `unlabelled` for
  /// ``LabelMap/unlabelled``, or else `class` and the number.
  public func name(of label: UInt16) -> String {
    if Int(label) < names.count { return names[Int(label)] }
    if label == background { return "background" }
    return label == LabelMap.unlabelled ? "unlabelled" : "class \(label)"
  }

  /// The classes of a network that separates the salient object from the background.
  public static let salientObject = ClassList(names: ["background", "object"])
}
