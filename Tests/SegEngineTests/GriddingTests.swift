import SegEngine
import Testing

/// What stacks of dilated convolutions see and leave out.
@Suite struct GriddingTests {
  @Test func countsAreThoseOfAllWays() {
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<40 {
      let rates = (0..<Int.random(in: 1...4, using: &generator)).map { _ in Int.random(in: 1...7, using: &generator) }
      let stack = DilationStack(kernel: [3, 5][Int.random(in: 0...1, using: &generator)], rates: rates)
      // Every choice of a tap in each layer is a way.
      var ways = [0: 1]
      for rate in rates {
        var next: [Int: Int] = [:]
        for (position, count) in ways {
          for tap in -(stack.kernel / 2)...stack.kernel / 2 { next[position + tap * rate, default: 0] += count }
        }
        ways = next
      }
      let reach = (stack.receptiveField - 1) / 2
      #expect(stack.counts == (-reach...reach).map { ways[$0] ?? 0 })
      #expect(stack.seenCount == ways.count)
      #expect(stack.isHoleFree == (ways.count == 2 * reach + 1))
    }
  }

  /// The engine's receptive field analysis sees the same rows.
  @Test func graphsSeeTheSame() throws {
    for rates in [[2, 2, 2], [1, 2, 5], [1, 6, 12, 18], [3, 7]] {
      let stack = DilationStack(rates: rates)
      let extent = 2 * stack.receptiveField + 1
      let graph = try Graph("stack") { g in
        let x = g.input("x", [1, extent, extent, 1])
        g.output(
          "y",
          rates.enumerated().reduce(x) { $0.conv("c\($1.offset)", 1, kernel: 3, dilation: Extent2D($1.element)) })
      }
      let rows = try #require(try ReceptiveFields(graph).seen(by: "y")).rows
      let first = extent / 2 - (stack.receptiveField - 1) / 2
      let expected = stack.counts.indices.filter { stack.counts[$0] > 0 }.map { $0 + first }
      #expect(rows[extent / 2] == expected, "\(rates)")
    }
  }

  /// A textbook says that rates 1, 6, 12, 18 one after the other see without gridding. They do not: 39 of 75 positions along an axis are seen.
  @Test func knownStacks() {
    #expect(DilationStack(rates: [2, 2, 2]).counts == [1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1])
    #expect(abs(DilationStack(rates: [2, 2, 2]).shareNeverSeen - (1 - 49.0 / 169)) < 1e-12)
    // Wang et al. 2018: rates 1, 2, 5 leave no hole, 1, 2, 9 do.
    #expect(DilationStack(rates: [1, 2, 5]).isHoleFree && DilationStack(rates: [1, 2, 5]).meetsHybridDilatedCondition)
    #expect(
      !DilationStack(rates: [1, 2, 9]).isHoleFree && !DilationStack(rates: [1, 2, 9]).meetsHybridDilatedCondition)
    let parallel = DilationStack(rates: [1, 6, 12, 18])
    #expect(parallel.receptiveField == 75 && !parallel.isHoleFree)
    // Every position is a·1 + b·6 + c·12 + d·18 of −1, 0 and 1: 3 · 13 different ones.
    #expect(parallel.seenCount == 39)
    // Doubling rates see everything, and grow with 2ⁿ.
    for depth in 1...7 {
      let stack = DilationStack(rates: (0..<depth).map { 1 << $0 })
      #expect(stack.isHoleFree && stack.receptiveField == (2 << depth) - 1)
    }
    // A fixed rate grows linearly: 1 + 2 r n.
    #expect((1...5).map { DilationStack(rates: .init(repeating: 4, count: $0)).receptiveField } == [9, 17, 25, 33, 41])
  }

  /// For all stacks of up to four rates up to 9 the adjoining condition holds exactly where there are no holes; the published one does
  /// not.
  @Test func conditionsAgainstCounting() {
    var (published, holes) = (0, 0)
    func check(_ rates: [Int]) {
      let stack = DilationStack(rates: rates)
      #expect(stack.meetsAdjoiningCondition == stack.isHoleFree, "\(rates)")
      #expect(DilationStack(rates: rates.reversed()).isHoleFree == stack.isHoleFree)
      if stack.meetsHybridDilatedCondition {
        published += 1
        if !stack.isHoleFree { holes += 1 }
        if rates[0] == 1 { #expect(stack.isHoleFree, "\(rates)") }
      }
    }
    for a in 1...9 {
      check([a])
      for b in 1...9 {
        check([a, b])
        for c in 1...9 {
          check([a, b, c])
          for d in 1...9 { check([a, b, c, d]) }
        }
      }
    }
    // Counted independently, in Python, over the same stacks of two to four rates; and the single rate 1.
    #expect(published == 1369 + 1 && holes == 797)
    // The smallest: 2, 3 leaves ±4 out.
    #expect(DilationStack(rates: [2, 3]).meetsHybridDilatedCondition && !DilationStack(rates: [2, 3]).isHoleFree)
  }

  @Test func picturesShowWhatIsSeen() {
    let stack = DilationStack(rates: [1, 3])
    let squares = stack.svg.split(separator: "\n").filter { $0.hasPrefix("<rect x=") }
    #expect(squares.count == stack.seenCount * stack.seenCount)
    #expect(stack.svg.hasPrefix("<svg") && stack.svg.hasSuffix("</svg>\n"))
    let columns = DilationStack.markdownHeader.split(separator: "\n")[0].split(separator: "|").count
    #expect(stack.markdownRow.split(separator: "|").count == columns)
    #expect(DilationStack(rates: [2, 2]).markdownRow.contains("69.14 %"))
  }
}
