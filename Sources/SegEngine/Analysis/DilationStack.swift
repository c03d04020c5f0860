/// A stack of convolutions of stride 1 with one kernel size and a rate (dilation) each, and what its last output sees of the first
/// input: with large rates in a row some positions are never seen (gridding; Yu, Koltun and Funkhouser 2017, Wang et al. 2018
/// "Understanding Convolution for Semantic Segmentation").
public struct DilationStack: Hashable, Sendable {
  /// Taps of each kernel along an axis; odd.
  public let kernel: Int
  /// The rate of each convolution, from the input on.
  public let rates: [Int]

  /// Describes a stack.
  ///
  /// - Precondition: `kernel` is odd and positive, rates are positive.
  public init(kernel: Int = 3, rates: [Int]) {
    precondition(kernel > 0 && kernel % 2 == 1, "a kernel of \(kernel) taps")
    precondition(rates.allSatisfy { $0 > 0 }, "rates \(rates)")
    self.kernel = kernel
    self.rates = rates
  }

  /// 1 + Σ (k − 1) · r: positions from the first to the last that are seen along an axis.
  public var receptiveField: Int { 1 + rates.reduce(0) { $0 + (kernel - 1) * $1 } }

  /// Over how many ways each position of ``receptiveField`` is seen along one axis. Over two axes it is the product of the two.
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

  /// Positions along one axis that are seen.
  public var seenCount: Int { counts.count { $0 > 0 } }

  /// The share of the square of ``receptiveField`` positions a side that is never seen.
  public var shareNeverSeen: Double {
    let seen = Double(seenCount) / Double(receptiveField)
    return 1 - seen * seen
  }

  /// Whether every position of the receptive field is seen.
  public var isHoleFree: Bool { seenCount == receptiveField }

  /// Wang et al.'s greatest distances M_i between two seen positions, with M_n = r_n for the last rate and
  /// M_i = max(M_{i+1} − 2 r_i, 2 r_i − M_{i+1}, r_i) before it; empty for an empty stack.
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

  /// Wang et al.'s condition for their hybrid dilated convolution: M₂ ≤ K, the rates having no common factor. Where the first rate is 1 it
  /// says that there are no holes; elsewhere it does not: of the 1369 stacks of two to four rates up to 9 with K = 3 that meet it, 797
  /// have holes, 2, 3 the smallest.
  public var meetsHybridDilatedCondition: Bool {
    func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
    guard rates.count > 1 else { return rates.allSatisfy { $0 == 1 } }
    return greatestDistances[1] <= kernel && rates.reduce(0, divisor) == 1
  }

  /// A condition that is easily checked and enough: rates sorted ascending, each at most the number of positions that the ones before it
  /// see without holes, so that the copies which a kernel makes of that stretch adjoin. For all stacks of up to four rates up to 9 it is
  /// needed, too.
  public var meetsAdjoiningCondition: Bool {
    var stretch = 1
    for rate in rates.sorted() {
      if rate > stretch { return false }
      stretch += (kernel - 1) * rate
    }
    return true
  }
}
