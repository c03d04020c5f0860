import SegEngine
import SegImages
import SegModels

/// The conversion of mask files to labels.
package struct MaskReading: Sendable {
  /// Whether all labels except 0 are foreground.
  package let isBinary: Bool
  /// The ignored labels; `nil` if the user did not specify any.
  package let ignored: [UInt16]?
  /// Whether label 0 is ignored and classes begin at 1.
  package let reducesZeroLabel: Bool
  /// The labels of colours, if colours are read as labels.
  package let colors: LabelColors?

  package init(isBinary: Bool, ignored: [UInt16]?, reducesZeroLabel: Bool, colors: LabelColors? = nil) {
    self.isBinary = isBinary
    self.ignored = ignored
    self.reducesZeroLabel = reducesZeroLabel
    self.colors = colors
  }

  /// The label of all ignored pixels, which no class has; `nil` if no pixel is ignored.
  package var ignoreLabel: UInt16? { ignored?.isEmpty == true && !reducesZeroLabel ? nil : LabelMap.unlabelled }

  /// The label of the padding around masks of another size: the ignore label if there is one, else background.
  package var padding: UInt16 { convention.ignored.isEmpty && !reducesZeroLabel ? 0 : LabelMap.unlabelled }

  private var convention: MaskConvention {
    MaskConvention(
      ignored: Set(ignored ?? (isBinary ? [] : [LabelMap.defaultIgnoreLabel])), reducesZeroLabel: reducesZeroLabel)
  }

  private var storedReading: LabelMap.Reading { colors.map { .colors($0) } ?? .storedValue }

  /// The labels of a file, with warnings about the file.
  package typealias Labels = (labels: LabelMap, warnings: [ImageWarning])

  /// Reads the labels of a mask as they are stored.
  package func stored(_ path: String) throws -> LabelMap { try LabelMap(contentsOf: path, reading: storedReading) }

  /// Reads a mask.
  package func truth(_ path: String) throws -> Labels {
    guard !isBinary else { return try foreground(path) }
    let (labels, warnings) = try LabelMap.reading(contentsOf: path, as: storedReading)
    return (convention.classes(of: labels), warnings)
  }

  /// Reads predicted labels. None of them are ignored.
  package func prediction(_ path: String) throws -> Labels {
    try LabelMap.reading(contentsOf: path, as: isBinary ? .nonZeroIsForeground : storedReading)
  }

  private func foreground(_ path: String) throws -> Labels {
    var mask = try LabelMap.reading(contentsOf: path, as: .nonZeroIsForeground)
    guard let ignored, !ignored.isEmpty else { return mask }
    for (index, label) in try stored(path).labels.enumerated() where ignored.contains(label) {
      mask.labels.labels[index] = LabelMap.unlabelled
    }
    return mask
  }
}
