import Testing
import TestSupport

@testable import SegEngine

/// Initialisers against what defines them.
@Suite struct InitializerTests {
  private func drawn(_ initializer: Initializer, _ shape: Shape, seed: UInt64 = 1) throws -> [Float] {
    let graph = try Graph("one") { g in g.output("w", g.parameter("w", shape, initializer: initializer)) }
    let tensor = try #require(Parameters(initializing: graph, seed: seed)["w"])
    #expect(tensor.shape == shape)
    return tensor.elements(of: Float.self)
  }

  /// An initialiser, its variance, and what no number exceeds.
  static let distributions: [(Initializer, variance: Double, bound: Double)] = [
    (.heNormal(fanIn: 50), 0.04, .infinity),
    (.heUniform(fanIn: 50), 0.04, 0.12.squareRoot()),
    (.xavierNormal(fanIn: 30, fanOut: 20), 0.04, .infinity),
    (.xavierUniform(fanIn: 30, fanOut: 20), 0.04, 0.12.squareRoot()),
    // Cut at two deviations the variance is 1 − 4 φ(2) / (2 Φ(2) − 1) of the whole one.
    (.truncatedNormal(deviation: 0.02), 0.0004 * 0.773741, 0.04),
  ]

  @Test(arguments: distributions)
  func meansAndVariancesAreThoseOfTheFormulas(_ initializer: Initializer, _ variance: Double, _ bound: Double) throws {
    let count = 40_000.0
    let values = try drawn(initializer, [40_000]).map(Double.init)
    let mean = values.reduce(0, +) / count
    let squares: Double = values.reduce(0) { $0 + $1 * $1 }
    let ratio = squares / count / variance
    // Five standard errors of mean and variance; the fourth moment of a normal distribution is the largest of these.
    let meanError = (variance / count).squareRoot()
    let ratioError = (2 / count).squareRoot()
    #expect(abs(mean) < 5 * meanError)
    #expect(abs(ratio - 1) < 5 * ratioError)
    #expect(values.allSatisfy { abs($0) <= bound * (1 + 1e-6) })
  }

  @Test func theSameSeedGivesTheSameNumbers() throws {
    for initializer in [
      Initializer.orthogonal(gain: 1), .truncatedNormal(deviation: 1), .subpixel(factor: 2, fanIn: 9),
    ] {
      #expect(try drawn(initializer, [8, 3, 3, 3]) == drawn(initializer, [8, 3, 3, 3]))
      #expect(try drawn(initializer, [8, 3, 3, 3]) != drawn(initializer, [8, 3, 3, 3], seed: 2))
    }
  }

  @Test(arguments: [[6, 4], [4, 6], [5, 5], [8, 2, 3, 3], [1, 9], [40, 2, 3, 1]])
  func orthogonalMatricesAreOrthogonal(_ dimensions: [Int]) throws {
    let gain: Float = 1.5
    let values = try drawn(.orthogonal(gain: gain), Shape(dimensions))
    let rows = dimensions[0]
    let columns = values.count / rows
    let vectors =
      rows <= columns
      ? (0..<rows).map { row in (0..<columns).map { values[row * columns + $0] } }
      : (0..<columns).map { column in (0..<rows).map { values[$0 * columns + column] } }
    for (i, a) in vectors.enumerated() {
      for (j, b) in vectors.enumerated() {
        let product = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(product - (i == j ? Double(gain * gain) : 0)) < 1e-5)
      }
    }
  }

  /// A transposed convolution that begins bilinearly enlarges as bilinear interpolation does, but at the borders.
  @Test(arguments: [(4, 2), (8, 4), (16, 8), (3, 2), (64, 32)])
  func bilinearWeightsInterpolate(_ kernel: Int, _ factor: Int) throws {
    let graph = try Graph("bilinear") { g in
      let x = g.input("image", [1, 5, 6, 2])
      g.output(
        "enlarged",
        x.transposedConv(
          "up", 2, kernel: Extent2D(kernel), stride: Extent2D(factor), padding: Padding2D((kernel - factor) / 2),
          bias: false,
          initializer: .bilinear))
      g.output("wanted", x.resize(by: Double(factor)))
    }
    let outputs = try graph.compiled(parameters: Parameters(initializing: graph, seed: 1)).run([
      "image": .random([1, 5, 6, 2])
    ])
    let (enlarged, wanted) = (try #require(outputs["enlarged"]), try #require(outputs["wanted"]))
    guard kernel == 2 * factor else {
      // Of an odd kernel the middle is a pixel: weights 1/2, 1, 1/2.
      let weight = try #require(Parameters(initializing: graph, seed: 1)["up.weight"])
      #expect(weight.elements(of: Float.self).prefix(9) == [0.25, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 0.25])
      return
    }
    #expect(enlarged.shape == wanted.shape)
    let (a, b) = (enlarged.elements(of: Float.self), wanted.elements(of: Float.self))
    let (height, width) = (wanted.shape.height, wanted.shape.width)
    for y in factor..<height - factor {
      for x in factor..<width - factor {
        for c in 0..<2 {
          let index = (y * width + x) * 2 + c
          #expect(abs(a[index] - b[index]) < 1e-5)
        }
      }
    }
  }

  /// Sub-pixel weights begin as nearest-neighbour enlargement: the pixels of a block are the same.
  @Test func subpixelWeightsRepeatPixels() throws {
    let graph = try Graph("subpixel") { g in
      let x = g.input("image", [1, 4, 5, 3])
      g.output("out", x.conv("c", 18, kernel: 3, initializer: .subpixel(factor: 3, fanIn: 27)).pixelShuffle(3))
    }
    let outputs = try graph.compiled(parameters: Parameters(initializing: graph, seed: 1)).run([
      "image": .random([1, 4, 5, 3])
    ])
    let output = try #require(outputs["out"])
    #expect(output.shape == [1, 12, 15, 2])
    let values = output.elements(of: Float.self)
    #expect(Set(values.map { Int(($0 * 1e4).rounded()) }).count > 20)
    for y in 0..<12 {
      for x in 0..<15 {
        for c in 0..<2 {
          let first = values[((y / 3 * 3) * 15 + x / 3 * 3) * 2 + c]
          #expect(abs(values[(y * 15 + x) * 2 + c] - first) < 1e-5)
        }
      }
    }
  }
}
