/// The Pareto front: the items that no other item dominates.
public enum ParetoFront {
  /// The indices of the items on the Pareto front, in their order. An item dominates another if no objective is larger
  /// and at least one is smaller. Of equal items the first is kept.
  ///
  /// - Precondition: All rows have the same number of objectives, all to be minimised.
  public static func indices(_ objectives: [[Double]]) -> [Int] {
    objectives.indices.filter { index in
      !objectives.indices.contains { other in
        other != index && dominates(objectives[other], objectives[index], isFirst: other < index)
      }
    }
  }

  private static func dominates(_ a: [Double], _ b: [Double], isFirst: Bool) -> Bool {
    precondition(a.count == b.count, "all rows must have the same number of objectives")
    guard zip(a, b).allSatisfy({ $0 <= $1 }) else { return false }
    return a != b || isFirst
  }

  /// For each item, the sum of its ranks by each objective, the smallest value first. Equal values have equal ranks.
  public static func rankSums(_ objectives: [[Double]]) -> [Int] {
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
