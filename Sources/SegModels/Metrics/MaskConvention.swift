import SegEngine

/// How labels stored in mask files map to classes.
public struct MaskConvention: Sendable, Hashable {
  /// Stored labels that are ignored. By default `LabelMap.defaultIgnoreLabel`.
  public var ignored: Set<UInt16>
  /// Whether stored label 0 means unlabelled and class *i* is stored as *i* + 1, as in ADE20K.
  public var reducesZeroLabel: Bool

  /// Creates a convention.
  public init(ignored: Set<UInt16> = [LabelMap.defaultIgnoreLabel], reducesZeroLabel: Bool = false) {
    self.ignored = ignored
    self.reducesZeroLabel = reducesZeroLabel
  }

  /// The class of each pixel of a mask; `LabelMap.unlabelled` for ignored pixels.
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
