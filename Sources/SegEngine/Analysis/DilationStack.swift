/// A stack of convolutions of stride 1 with one kernel size and one dilation (rate) each, and the input positions that
/// its last output reads. With large dilations in sequence some positions are never read: gridding (Yu, Koltun and
/// Funkhouser 2017; Wang et al. 2018, "Understanding Convolution for Semantic Segmentation").
public struct DilationStack: Hashable, Sendable {
  /// The kernel size along an axis; odd.
  public let kernel: Int
  /// The dilation of each convolution, from the input on.
  public let rates: [Int]

  /// Creates a stack.
  ///
  /// - Precondition: `kernel` is odd and positive, and all rates are positive.
  public init(kernel: Int = 3, rates: [Int]) {
    precondition(kernel > 0 && kernel % 2 == 1, "the kernel size must be odd and positive, not \(kernel)")
    precondition(rates.allSatisfy { $0 > 0 }, "rates \(rates)")
    self.kernel = kernel
    self.rates = rates
  }

  /// 1 + Σ (k − 1) · r: the extent of the receptive field along an axis.
  public var receptiveField: Int { 1 + rates.reduce(0) { $0 + (kernel - 1) * $1 } }

  /// The number of paths from each position of ``receptiveField`` to the output, along one axis. In two dimensions it
  /// is the product of both axes.
  public var counts: [Int] {
    var counts = [1]
    for rate in rates {
      var next = [Int](repeating: 0, count: counts.count + (kernel - 1) * rate)
      for (position, count) in counts.enumerated() {
        for tap in 0..<kernel { next[position + tap * rate] += count }
      }
      counts = next
    }
    return counts
  }

  /// The number of positions along one axis that are read.
  public var seenCount: Int { counts.count { $0 > 0 } }

  /// The share of the square receptive field, ``receptiveField`` positions a side, that is never read.
  public var shareNeverSeen: Double {
    let seen = Double(seenCount) / Double(receptiveField)
    return 1 - seen * seen
  }

  /// Whether every position of the receptive field is read.
  public var isHoleFree: Bool { seenCount == receptiveField }

  /// Wang et al.'s maximum distances M_i between two positions that are read: M_n = r_n for the last rate, and M_i =
  /// max(M_{i+1} − 2 r_i, 2 r_i − M_{i+1}, r_i) before it. Empty for an empty stack.
  public var greatestDistances: [Int] {
    var distances: [Int] = []
    for rate in rates.reversed() {
      guard let next = distances.last else {
        distances.append(rate)
        continue
      }
      distances.append(max(next - 2 * rate, 2 * rate - next, rate))
    }
    return distances.reversed()
  }

  /// Wang et al.'s condition for hybrid dilated convolution: M₂ ≤ K, and rates without a common factor. It implies that
  /// there are no holes if the first rate is 1, but not otherwise: of the 1369 stacks of two to four rates up to 9 with
  /// K = 3 that meet it, 797 have holes. The smallest is 2, 3.
  public var meetsHybridDilatedCondition: Bool {
    guard rates.count > 1 else { return rates.allSatisfy { $0 == 1 } }
    return greatestDistances[1] <= kernel && rates.reduce(0, greatestCommonDivisor) == 1
  }

  /// A sufficient condition for no holes that is easy to check: with the rates in ascending order, each is at most the
  /// number of positions that the previous ones read without holes, so that the shifted copies of that range adjoin.
  /// For all stacks of up to four rates up to 9 the condition is also necessary.
  public var meetsAdjoiningCondition: Bool {
    var stretch = 1
    for rate in rates.sorted() {
      if rate > stretch { return false }
      stretch += (kernel - 1) * rate
    }
    return true
  }
}
