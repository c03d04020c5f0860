/// Which of several things are not worse than another one in everything.
public enum ParetoFront {
  /// The indices of those that no other dominates, in their order: another dominates one if it is nowhere greater and somewhere smaller.
  /// Of equal ones the first is kept.
  ///
  /// - Precondition: every row has as many numbers, all to be small.
  public static func indices(_ objectives: [[Double]]) -> [Int] {
    objectives.indices.filter { index in
      !objectives.indices.contains { other in
        other != index && dominates(objectives[other], objectives[index], isFirst: other < index)
      }
    }
  }

  private static func dominates(_ a: [Double], _ b: [Double], isFirst: Bool) -> Bool {
    precondition(a.count == b.count, "objectives of one length")
    guard zip(a, b).allSatisfy({ $0 <= $1 }) else { return false }
    return a != b || isFirst
  }

  /// The sum of the places that each has by each objective, the smallest first; equal ones have the same place.
  public static func placeSums(_ objectives: [[Double]]) -> [Int] {
    guard let count = objectives.first?.count else { return [] }
    var sums = [Int](repeating: 0, count: objectives.count)
    for objective in 0..<count {
      for index in objectives.indices {
        sums[index] += objectives.count { $0[objective] < objectives[index][objective] }
      }
    }
    return sums
  }
}
