import SegEngine
import Testing

/// The effective receptive field, found by perturbation.
@Suite struct EffectiveReceptiveFieldTests {
  private func model(_ layers: Int, seed: UInt64? = nil, rate: Int = 1) throws -> Model {
    let graph = try Graph("chain") { g in
      let x = g.input("x", [1, 21, 21, 1])
      g.output("y", (0..<layers).reduce(x) { $0.conv("c\($1)", 1, kernel: 3, dilation: Extent2D(rate), bias: false) })
    }
    var parameters = Parameters(initializing: graph, seed: seed ?? 0)
    if seed == nil { for name in parameters.names { parameters[name] = Tensor([1, 1, 3, 3], repeating: 1 as Float) } }
    return try Model(
      graph, parameters: parameters, options: CompileOptions(optimizes: false, algorithmChoice: .named("im2col")))
  }

  /// With all weights 1 a linear chain's influence is the number of ways, which the stack of dilations counts.
  @Test(arguments: [(1, 1), (3, 1), (5, 1), (2, 3)])
  func influenceIsTheNumberOfWays(_ layers: Int, _ rate: Int) throws {
    let field = try EffectiveReceptiveField(of: model(layers, rate: rate), at: Tensor(zeros: [1, 21, 21, 1]))
    let stack = DilationStack(rates: .init(repeating: rate, count: layers))
    let first = 10 - (stack.receptiveField - 1) / 2
    for row in 0..<21 {
      for column in 0..<21 {
        func count(_ position: Int) -> Int {
          stack.counts.indices.contains(position - first) ? stack.counts[position - first] : 0
        }
        let expected = Float(count(row) * count(column))
        let actual: Float = field.influence[row, column]
        #expect(abs(actual - expected) <= 1e-4 * expected)
      }
    }
    #expect(field.supportCount == stack.seenCount * stack.seenCount)
  }

  /// The share of the theoretical field that matters shrinks with depth as 1 / √n (Luo et al. 2016).
  @Test func theFieldIsSmallerThanTheoryAndShrinksRelatively() throws {
    let shares = try [2, 4, 8].map { layers in
      try EffectiveReceptiveField(of: model(layers), at: Tensor(zeros: [1, 21, 21, 1])).side() / Double(2 * layers + 1)
    }
    #expect(shares[0] > shares[1] && shares[1] > shares[2] && shares[0] <= 1)
  }

  @Test func anotherPixelAndRandomWeights() throws {
    let image = Tensor([1, 21, 21, 1], repeating: 0.5 as Float)
    let field = try EffectiveReceptiveField(of: model(2, seed: 3), at: image, row: 0, column: 20, batch: 5)
    let influence = field.influence.elements(of: Float.self)
    for (index, value) in influence.enumerated() where value > 0 {
      #expect(index / 21 <= 2 && index % 21 >= 18)
    }
    #expect(field.supportCount > 0 && field.supportCount <= 9)
  }
}
