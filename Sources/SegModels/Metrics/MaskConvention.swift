import SegEngine

/// How the labels that masks store become classes.
public struct MaskConvention: Sendable, Hashable {
  /// Stored labels that count for nothing. By default those of `LabelMap.defaultIgnoreLabel`.
  public var ignored: Set<UInt16>
  /// Whether stored label 0 stands for unlabelled pixels and classes begin at 1, as in ADE20K: class *i* is stored as *i* + 1.
  public var reducesZeroLabel: Bool

  /// Makes a convention.
  public init(ignored: Set<UInt16> = [LabelMap.defaultIgnoreLabel], reducesZeroLabel: Bool = false) {
    self.ignored = ignored
    self.reducesZeroLabel = reducesZeroLabel
  }

  /// The classes of a mask; `LabelMap.unlabelled` for what counts for nothing.
  public func classes(of mask: LabelMap) -> LabelMap {
    guard reducesZeroLabel || !ignored.isEmpty, let largest = mask.labels.max() else { return mask }
    let table = (0...largest).map { label in
      if label == LabelMap.unlabelled || ignored.contains(label) { return LabelMap.unlabelled }
      guard reducesZeroLabel else { return label }
      return label == 0 ? LabelMap.unlabelled : label - 1
    }
    var mask = mask
    table.withUnsafeBufferPointer { table in
      mask.labels.withUnsafeMutableBufferPointer { labels in
        for index in labels.indices { labels[index] = table[Int(labels[index])] }
      }
    }
    return mask
  }
}
