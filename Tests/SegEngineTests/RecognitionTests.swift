import SegEngine
import TestSupport
import Testing

@testable import SegEngine

/// Rewrites that take what exporters spell out for what it is, and sums into the operators that compute their terms.
@Suite struct RecognitionTests {
  /// Steps of the compiled graph by operator, and the largest difference from the graph as it was written.
  private func compare(_ graph: Graph, seed: UInt64 = 1) throws -> (steps: [String], difference: Float) {
    let parameters = Parameters(initializing: graph, seed: seed)
    let plain = try graph.compiled(parameters: parameters, options: .init(optimizes: false))
    let optimized = try graph.compiled(parameters: parameters)
    let inputs = Dictionary(
      uniqueKeysWithValues: plain.inputs.enumerated().map {
        ($1.name, Tensor.random($1.spec.shape, seed: UInt64($0 + 9)))
      })
    let (a, b) = (try plain.run(inputs), try optimized.run(inputs))
    var difference: Float = 0
    for (name, expected) in a {
      let actual = try #require(b[name])
      #expect(actual.shape == expected.shape)
      for (x, y) in zip(actual.elements(of: Float.self), expected.elements(of: Float.self)) {
        difference = max(difference, (x - y).magnitude / max(1, y.magnitude))
        if x.isNaN != y.isNaN { difference = .infinity }
      }
    }
    return (optimized.stepInfos.map { String($0.operation.prefix { $0 != " " }) }, difference)
  }

  @Test func geluInTheWaysExportersSpellIt() throws {
    let root = Float(2).squareRoot()
    let spellings: [(Value) -> Value] = [
      { x in x * ((x / root).map(.erf) + 1) * 0.5 },
      { x in (x * 0.5) * ((x * (1 / root)).map(.erf) + 1) },
      { x in x * (((x / root).map(.erf) + 1) * 0.5) },
      { x in 0.5 * (x * (1 + (x / root).map(.erf))) },
    ]
    for spell in spellings {
      let graph = try Graph("gelu") { g in
        g.output("y", spell(g.input("x", [1, 5, 7, 24]).linear("fc", 33)).linear("out", 8))
      }
      let (steps, difference) = try compare(graph)
      #expect(steps == ["Linear", "Linear"])
      #expect(difference < 1e-5)
    }
  }

  @Test func whatOnlyLooksLikeGeluStays() throws {
    let root = Float(2).squareRoot()
    let others: [(Value) -> Value] = [
      { x in x * ((x / 2).map(.erf) + 1) * 0.5 }, { x in x * ((x / root).map(.erf) + 2) * 0.5 },
      { x in x * ((x / root).map(.erf) + 1) * 0.25 }, { x in x * ((x / root).map(.tanh) + 1) * 0.5 },
    ]
    for spell in others {
      let graph = try Graph("other") { g in g.output("y", spell(g.input("x", [1, 5, 7, 24]))) }
      let plain = try graph.compiled(options: .init(optimizes: false))
      let model = try graph.compiled()
      #expect(!model.stepInfos.contains { $0.operation.contains("gelu") })
      let x = Tensor.random([1, 5, 7, 24], seed: 3)
      let (a, b) = (try plain.run(["x": x])["y"]!, try model.run(["x": x])["y"]!)
      for (p, q) in zip(a.elements(of: Float.self), b.elements(of: Float.self)) { #expect(abs(p - q) < 1e-5) }
    }
  }

  /// Queries, keys and values from one product, heads apart, scores scaled on either side or not, transposed before the product or
  /// in it.
  @Test func attentionOverHeads() throws {
    for (heads, tokens, width, splitsScale, transposesB) in [
      (3, 19, 8, true, false), (1, 40, 16, false, false), (4, 33, 5, false, true),
    ] {
      let graph = try Graph("attention") { g in
        let x = g.input("x", [2, tokens, heads * width])
        let parts = x.linear("qkv", 3 * heads * width).apply(
          Reshape(to: .dimensions([2, tokens, 3, heads, width])), named: "heads")
        let split = g.add(Split(.equal(3), axis: 2), named: "split", to: [parts], outputCount: 3).map {
          $0.apply(Reshape(to: .dimensions([2, tokens, heads, width])), named: "part")
        }
        let scale = 1 / Float(width).squareRoot()
        let q = (splitsScale ? split[0] * scale.squareRoot() : split[0]).transpose([0, 2, 1, 3])
        let k = splitsScale ? split[1] * scale.squareRoot() : split[1]
        let keys = k.transpose(transposesB ? [0, 2, 1, 3] : [0, 2, 3, 1])
        var scores = q.matmul(keys, transposingB: transposesB)
        if !splitsScale { scores = scores * scale }
        let result = scores.softmax(axis: -1).matmul(split[2].transpose([0, 2, 1, 3])).transpose([0, 2, 1, 3])
        g.output(
          "y", result.apply(Reshape(to: .dimensions([2, tokens, heads * width])), named: "joined").linear("proj", 6))
      }
      let (steps, difference) = try compare(graph)
      #expect(steps == ["Linear", "Attention", "Linear"])
      #expect(difference < 1e-5)
    }
  }

  @Test func sumsAreMadeInTheTile() throws {
    let graph = try Graph("block") { g in
      let x = g.input("x", [1, 13, 15, 20])
      let y = x.conv("conv1", 24, kernel: 3, bias: false).batchNorm("bn1").relu().conv("conv2", 32, kernel: 3)
        .batchNorm("bn2")
      // The shortcut comes after the branch in the graph, and adds it.
      let z = (y + x.conv("shortcut", 32, kernel: 1).batchNorm("bn3")).relu()
      let w = z.conv("depthwise", 32, kernel: 3, groups: 32) + z
      let v = w.conv("im2col", 32, kernel: 5) + w
      g.output("y", (v.linear("fc", 32) + v).relu6())
    }
    let (steps, difference) = try compare(graph)
    #expect(steps == ["Convolution", "Convolution", "Convolution", "Convolution", "Convolution", "Linear"])
    #expect(difference < 1e-4)
  }

  /// Every algorithm adds the map, on every backend, also where nobody else reads it. More than some hundred channels are summed in several
  /// passes.
  @Test func everyAlgorithmAddsTheResidual() throws {
    for (channels, kernel, groups) in [(32, 1, 1), (32, 3, 1), (32, 3, 4), (32, 3, 32), (320, 1, 1), (160, 3, 1)] {
      let x = Tensor.random([2, 14, channels > 32 ? 5 : 17, channels], in: -1...1, seed: 4)
      for isOnlyRead in [false, true] {
        let graph = try Graph("residual") { g in
          let map = g.input("x", x.shape)
          let convolved = map.conv("conv", channels, kernel: Extent2D(kernel), groups: groups)
          g.output("y", isOnlyRead ? (convolved + map.sigmoid()).relu().sigmoid() : (convolved + map).relu())
        }
        var parameters = Parameters(initializing: graph, seed: 5)
        parameters["conv.bias"] = .random([channels], in: -1...1, seed: 6)
        let expected = try graph.compiled(
          parameters: parameters, on: ReferenceBackend(), options: .init(optimizes: false)
        )
        .run(["x": x])["y"]!.elements(of: Float.self)
        for backend in ConvolutionTests.backends {
          for algorithm in CompileOptions.algorithmNames {
            let model = try graph.compiled(
              parameters: parameters, on: backend, options: .init(convolutionAlgorithm: algorithm))
            let step = model.stepInfos[isOnlyRead ? 1 : 0]
            #expect(model.stepInfos.count == (isOnlyRead ? 3 : 1))
            guard step.algorithm == algorithm else { continue }
            let actual = try model.run(["x": x])["y"]!.elements(of: Float.self)
            let worst = zip(actual, expected).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            #expect(
              worst < 5e-5, "\(algorithm) on \(backend.name), \(channels) channels, read by it alone: \(isOnlyRead)")
          }
        }
      }
    }
  }

  @Test func constantsAreFoldedIntoWeights() throws {
    let shift = Tensor.random([24], seed: 6)
    let graph = try Graph("constants") { g in
      let x = g.input("x", [1, 9, 8, 12])
      let y = (g.constant(shift) + x.conv("conv", 24, kernel: 3)) * 0.25 - 0.5
      g.output("y", (g.constant(shift) * y.linear("fc", 24, bias: false) + 2).relu())
    }
    let (steps, difference) = try compare(graph)
    #expect(steps == ["Convolution", "Linear"])
    #expect(difference < 1e-5)
  }
}
