extension [Double] {
  /// The median: the middle element, or the mean of the two middle ones; 0 if empty.
  public var median: Double {
    guard !isEmpty else { return 0 }
    let sorted = sorted()
    let middle = count / 2
    return count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// The lower quartile. For repeated timings of the same work it is less affected by other load than the median, and
  /// more repeatable than the minimum.
  public var lowerQuartile: Double {
    precondition(!isEmpty, "the quartile of an empty array is undefined")
    return sorted()[(count - 1) / 4]
  }
}
