import SegEngine

/// The area of each class of a label map.
public struct ClassAreas: Sendable, Hashable {
  /// The area of one class.
  public struct ClassArea: Sendable, Hashable {
    /// The class.
    public let label: UInt16
    /// Its pixels.
    public let pixels: Int
    /// Its part of the counted pixels, 0 … 1. 0 if there are none.
    public let share: Double
    /// Its area in square map units; `nil` if the area of a pixel is not known.
    public let area: Double?
  }

  /// The classes in ascending order.
  public let classes: [ClassArea]
  /// The number of counted pixels: all but those with a label that is left out.
  public let pixelCount: Int

  /// Counts the pixels of a label map.
  ///
  /// - Parameters:
  ///   - map: The labels.
  ///   - classCount: Classes below this number are listed even if they do not occur.
  ///   - pixelArea: The area of a pixel, for instance `PixelTransform.pixelArea` in square map units.
  ///   - leftOut: Labels that are neither listed nor counted in ``pixelCount``, such as ignore labels.
  public init(
    _ map: LabelMap, classCount: Int = 0, pixelArea: Double? = nil, leavingOut leftOut: Set<UInt16> = []
  ) {
    var counts = [Int](repeating: 0, count: Int(UInt16.max) + 1)
    for label in map.labels { counts[Int(label)] += 1 }
    for label in leftOut { counts[Int(label)] = 0 }
    let total = counts.reduce(0, +)
    classes = counts.indices.filter { label in
      counts[label] > 0 || label < classCount && !leftOut.contains(UInt16(label))
    }.map { label in
      let pixels = counts[label]
      return ClassArea(
        label: UInt16(label), pixels: pixels, share: total == 0 ? 0 : Double(pixels) / Double(total),
        area: pixelArea.map { $0 * Double(pixels) })
    }
    pixelCount = total
  }
}
