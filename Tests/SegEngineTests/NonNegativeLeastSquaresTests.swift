import Testing

@testable import SegEngine

@Suite struct NonNegativeLeastSquaresTests {
  private struct Problem {
    let a: [[Double]]
    let b: [Double]

    var columns: Int { a.first?.count ?? 0 }

    func errors(_ x: [Double]) -> [Double] { zip(a, b).map { row, b in zip(row, x).reduce(b) { $0 - $1.0 * $1.1 } } }
    func error(_ x: [Double]) -> Double { length(errors(x)) }
    func length(_ numbers: [Double]) -> Double {
      let largest = numbers.map(abs).max() ?? 0
      return largest == 0 ? 0 : largest * numbers.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot()
    }

    /// The least squares of some columns; the others' parts are 0.
    func solution(of kept: [Int]) -> [Double]? {
      var x = [Double](repeating: 0, count: columns)
      if kept.isEmpty { return x }
      guard let parts = LinearAlgebra.leastSquares(a.map { row in kept.map { row[$0] } }, b) else { return nil }
      for (column, part) in zip(kept, parts) { x[column] = part }
      return x
    }

    /// The least error over all sets of columns whose least squares are not negative, one of which is that of the best x.
    var leastError: Double {
      (0..<1 << columns).compactMap { set -> Double? in
        guard let x = solution(of: (0..<columns).filter { set >> $0 & 1 == 1 }), x.allSatisfy({ $0 >= 0 }) else {
          return nil
        }
        return error(x)
      }.min()!
    }

    /// What leaving out the lowest negative part, again and again, ends with.
    var errorByElimination: Double {
      var kept = Array(0..<columns)
      while let x = solution(of: kept) {
        guard let worst = kept.min(by: { x[$0] < x[$1] }), x[worst] < 0 else { return error(x) }
        kept.removeAll { $0 == worst }
      }
      return .nan
    }

    /// Whether x is the best one by the conditions of Karush, Kuhn and Tucker: no part negative, the gradient nowhere positive and 0 where
    /// parts are not. What is 0 is so within 1e-9 of the sizes that it is a difference of: the columns here have condition numbers up to
    /// some thousands.
    func isBest(_ x: [Double]) -> Bool {
      let errors = errors(x)
      return x.allSatisfy { $0 >= 0 && $0.isFinite }
        && (0..<columns).allSatisfy { column in
          let gradient = zip(a, errors).reduce(0) { $0 + $1.0[column] * $1.1 }
          let size = 1e-9 * length(a.map { $0[column] }) * (length(b) + 1e-300)
          return gradient <= size && (x[column] == 0 || gradient >= -size)
        }
    }
  }

  private func problem(rows: Int, columns: Int, _ generator: inout SeededGenerator) -> Problem {
    // Columns of different sizes, which resemble each other: there the parts' signs depend on which columns take part.
    let common = (0..<rows).map { _ in Double.random(in: -1...1, using: &generator) }
    let likeness = Double.random(in: 0...2, using: &generator)
    let sizes = (0..<columns).map { _ in Double.random(in: -4...4, using: &generator) }
    let a = common.map { shared in
      sizes.map { size in
        (likeness * shared + Double.random(in: -1...1, using: &generator))
          * (size < 0 ? 1 / (1 + size * size * size * size) : 1 + size * size * size * size)
      }
    }
    return Problem(a: a, b: common.map { $0 + Double.random(in: -1...1, using: &generator) })
  }

  @Test func theConditionsOfTheBestHold() throws {
    var generator = SeededGenerator(seed: 23)
    var (wrong, few) = (0, 0)
    for _ in 0..<1500 {
      let columns = Int.random(in: 1...8, using: &generator)
      let problem = problem(rows: columns + Int.random(in: 0...12, using: &generator), columns: columns, &generator)
      let x = try #require(LinearAlgebra.nonNegativeLeastSquares(problem.a, problem.b))
      #expect(problem.isBest(x), "\(problem)")
      if x.count(where: { $0 > 0 }) < columns { few += 1 }
      if problem.errorByElimination > problem.error(x) * (1 + 1e-6) { wrong += 1 }
      if columns <= 5 {
        #expect(problem.error(x) <= problem.leastError * (1 + 1e-9) + 1e-12, "\(problem)")
      }
    }
    // The conditions were at stake, and so was the order in which columns leave.
    #expect(few > 500)
    #expect(wrong > 20)
  }

  /// More columns than rows, columns that depend on each other, columns that are 0, nothing to fit.
  @Test func columnsThatAreTooMany() throws {
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<200 {
      var problem = problem(rows: Int.random(in: 1...5, using: &generator), columns: 8, &generator)
      let x = try #require(LinearAlgebra.nonNegativeLeastSquares(problem.a, problem.b))
      #expect(problem.isBest(x), "\(problem)")
      problem = self.problem(rows: 12, columns: 4, &generator)
      problem = Problem(a: problem.a.map { $0 + [$0[0], 2 * $0[1] + $0[2], 0, 1e-200 * $0[3]] }, b: problem.b)
      let y = try #require(LinearAlgebra.nonNegativeLeastSquares(problem.a, problem.b))
      #expect(problem.isBest(y), "\(problem)")
      #expect(y[6] == 0)
    }
    #expect(LinearAlgebra.nonNegativeLeastSquares([[1, 2], [3, 4]], [0, 0]) == [0, 0])
    #expect(LinearAlgebra.nonNegativeLeastSquares([[1, 2], [3, 4]], [-1, -1]) == [0, 0])
    #expect(LinearAlgebra.nonNegativeLeastSquares([], []) == [])
    #expect(LinearAlgebra.nonNegativeLeastSquares([[0], [0]], [1, 1]) == [0])
    #expect(LinearAlgebra.nonNegativeLeastSquares([[.nan], [1]], [1, 1]) == nil)
    #expect(LinearAlgebra.nonNegativeLeastSquares([[1], [1]], [1, .infinity]) == nil)
  }
}
