import Testing

@testable import SegEngine

/// Pieces cover what is cut without gaps, and keep their bounds.
struct EvenPiecesTests {
  @Test func pieces() {
    for count in [0, 1, 5, 15, 16, 17, 64, 100, 512, 1000] {
      for largest in [1, 5, 14, 16, 24, 40, 100, 512, 2000] {
        for least in [1, 3, 40] {
          for unit in [1, 6, 16, 64] {
            let pieces = EvenPieces(count, largest: largest, atLeast: least, multipleOf: unit)
            let ranges = (0..<pieces.pieces).map { pieces[$0] }
            let context: Comment = "\(count), largest \(largest), at least \(least), multiples of \(unit): \(ranges)"
            #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == count, context)
            #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound }, context)
            #expect(ranges.allSatisfy { $0.lowerBound % unit == 0 && $0.count <= max(largest, unit) }, context)
            #expect(ranges.allSatisfy { $0.count <= pieces.size && (!$0.isEmpty || count == 0) }, context)
            // All but the last hold whole units, so that no more than one of them is below a unit.
            #expect(ranges.dropLast().allSatisfy { $0.count % unit == 0 && $0.count >= unit }, context)
            let units = ranges.map { ($0.count + unit - 1) / unit }
            #expect(units.max()! - units.min()! <= 1, context)
          }
        }
      }
    }
  }

  /// Threads have as many pieces as each other, unless there are too few units for that; every bound of pieces holds.
  @Test func piecesOfThreads() {
    for count in [1, 12, 121, 484, 1000] {
      for largest in [6, 12, 30, 500] {
        for unit in [1, 6] {
          let alone = EvenPieces(count, largest: largest, multipleOf: unit)
          for threads in [1, 2, 3, 8] {
            let pieces = EvenPieces(count, largest: largest, multipleOf: unit, threads: threads)
            let context: Comment = "\(count), largest \(largest), multiples of \(unit), \(threads) threads"
            let units = (count + unit - 1) / unit
            if alone.pieces > threads, units >= alone.pieces + threads {
              #expect(pieces.pieces % threads == 0, context)
            }
            #expect(alone.pieces..<alone.pieces + threads ~= pieces.pieces, context)
            let ranges = (0..<pieces.pieces).map { pieces[$0] }
            #expect(ranges.flatMap { $0 } == Array(0..<count), context)
            #expect(ranges.map(\.count).max()! <= pieces.size && pieces.size <= max(largest, unit), context)
            #expect(ranges.allSatisfy { $0.lowerBound % unit == 0 && !$0.isEmpty }, context)
          }
        }
      }
    }
  }
}
