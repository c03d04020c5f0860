import SegEngine

/// Radix sort, linear in the number of keys.
enum RadixSort {
  /// Sorts in ascending order of the upper 32 bits. The sort is stable.
  static func sortByHighHalf(_ keys: inout [UInt64]) {
    var other = keys
    for shift in [32, 43, 54] {
      var starts = [Int](repeating: 0, count: 2049)
      for key in keys { starts[Int(key >> UInt64(shift) & 2047) + 1] += 1 }
      for bin in 1...2048 { starts[bin] += starts[bin - 1] }
      for key in keys {
        let bin = Int(key >> UInt64(shift) & 2047)
        other[starts[bin]] = key
        starts[bin] += 1
      }
      swap(&keys, &other)
    }
  }
}
