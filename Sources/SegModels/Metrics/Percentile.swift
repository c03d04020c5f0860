extension UnsafeMutableBufferPointer<Double> {
  /// A percentile of these numbers, interpolated linearly between two of them; `nil` where there are none. Their order changes.
  ///
  /// - Precondition: `percent` is 0 to 100, and no number is NaN.
  func percentile(_ percent: Double) -> Double? {
    guard !isEmpty else { return nil }
    let position = percent / 100 * Double(count - 1)
    let lower = Int(position)
    let value = select(lower)
    guard position > Double(lower), lower + 1 < count, let next = self[(lower + 1)...].min() else { return value }
    // Without a difference, which would be NaN of two infinities.
    return value == next ? value : value + (position - Double(lower)) * (next - value)
  }

  /// Brings the number that is at `place` when all are sorted there, none greater before and none less behind it (Hoare's quickselect).
  private func select(_ place: Int) -> Double {
    var (first, last) = (0, count - 1)
    while first < last {
      // The median of three: boundaries' distances come in order more often than not.
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
