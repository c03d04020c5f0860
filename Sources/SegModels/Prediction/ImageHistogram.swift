/// The smallest and the largest value of an image.
struct ImageExtremes {
  private(set) var smallest = Float.infinity
  private(set) var largest = -Float.infinity

  /// Includes a value. One that is not a number is passed over.
  mutating func include(_ value: Float) {
    smallest = value < smallest ? value : smallest
    largest = value > largest ? value : largest
  }

  func joined(with other: ImageExtremes) -> ImageExtremes {
    var result = self
    result.smallest = min(smallest, other.smallest)
    result.largest = max(largest, other.largest)
    return result
  }
}

/// The numbers of values in 65,536 intervals of equal width between an image's extremes, for percentiles to 1/65,536 of the range.
struct ImageHistogram {
  private static let intervals = 65536
  private let extremes: ImageExtremes
  private var counts = [Int](repeating: 0, count: intervals)

  init(_ extremes: ImageExtremes) { self.extremes = extremes }

  private var width: Float { (extremes.largest - extremes.smallest) / Float(Self.intervals - 1) }

  /// Adds values. One that is not finite is passed over.
  mutating func add(_ values: UnsafeBufferPointer<Float>) {
    let (smallest, width) = (extremes.smallest, width)
    guard width > 0, width.isFinite else { return }
    for value in values where value.isFinite {
      counts[min(Self.intervals - 1, Int(((value - smallest) / width).rounded()))] += 1
    }
  }

  /// Returns the lower percentile, and the distance of the upper one from it; 1 if they are equal, as in an image of one value.
  func interval(_ shares: ClosedRange<Double>) -> (low: Float, unit: Float) {
    let total = counts.reduce(0, +)
    guard total > 0 else { return (extremes.smallest.isFinite ? extremes.smallest : 0, 1) }
    func value(at share: Double) -> Float {
      var rest = (share * Double(total - 1)).rounded()
      for (index, count) in counts.enumerated() {
        rest -= Double(count)
        if rest < 0 { return extremes.smallest + Float(index) * width }
      }
      return extremes.largest
    }
    let (low, high) = (value(at: shares.lowerBound), value(at: shares.upperBound))
    return (low, high > low ? high - low : 1)
  }
}
