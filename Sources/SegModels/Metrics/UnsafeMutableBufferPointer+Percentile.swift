extension UnsafeMutableBufferPointer<Double> {
  /// A percentile of the numbers, with linear interpolation between the two nearest ranks; `nil` if there are none.
  /// Reorders the array.
  ///
  /// - Precondition: `percent` is 0 to 100, and no number is NaN.
  func percentile(_ percent: Double) -> Double? {
    guard !isEmpty else { return nil }
    let position = percent / 100 * Double(count - 1)
    let lower = Int(position)
    let value = select(lower)
    guard position > Double(lower), lower + 1 < count, let next = self[(lower + 1)...].min() else { return value }
    // If both are infinite, their difference would be NaN.
    return value == next ? value : value + (position - Double(lower)) * (next - value)
  }

  /// The element at index `place` of the sorted order. Reorders the array so that no earlier element is greater and no
  /// later one is smaller (Hoare's quickselect).
  private func select(_ place: Int) -> Double {
    var (first, last) = (0, count - 1)
    while first < last {
      // Median of three: boundary distances are often sorted in part.
      let (a, b, c) = (self[first], self[first + (last - first) / 2], self[last])
      let pivot = Swift.max(Swift.min(a, b), Swift.min(Swift.max(a, b), c))
      var (i, j) = (first, last)
      while i <= j {
        while self[i] < pivot { i += 1 }
        while pivot < self[j] { j -= 1 }
        if i <= j {
          swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if place <= j {
        last = j
      } else if place >= i {
        first = i
      } else {
        break
      }
    }
    return self[place]
  }
}
