extension [Double] {
  /// The number in the middle, or the mean of the two there; 0 of none.
  public var median: Double {
    guard !isEmpty else { return 0 }
    let sorted = sorted()
    let middle = count / 2
    return count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// The number below which a quarter of these lie: of times of the same work, one that what else the machine does disturbs less than
  /// the median, and that is less a matter of luck than the least.
  public var lowerQuartile: Double {
    precondition(!isEmpty, "no numbers have no quartile")
    return sorted()[(count - 1) / 4]
  }
}
