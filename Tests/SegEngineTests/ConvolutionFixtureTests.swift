import SegEngine
import SegIO
import TestSupport
import Testing

@testable import SegEngine

/// Convolutions and transposed convolutions against PyTorch's outputs (Tests/Fixtures/operators/make_operators.py), every algorithm
/// on every case it applies to.
@Suite struct ConvolutionFixtureTests {
  /// Both sides sum up to a few hundred products of order 1 in float32, in different orders.
  static let tolerance: Float = 2e-5

  @Test(arguments: ["convolution", "transposed_convolution"]) func agreesWithPyTorch(file: String) throws {
    let fixture = try Safetensors(contentsOf: Fixtures.url("operators/\(file).safetensors").path)
    let cases = try FixtureCase.all(tensors: fixture.tensors, metadata: fixture.metadata)
    #expect(cases.count > 10)
    for test in cases {
      let x = try #require(test.tensors["input"])
      let others = test.operands("weight", "bias")
      let graph = try Graph("test") { g in
        let input = g.input("x", x.shape)
        let constants = others.map { g.constant($0) }
        let y =
          file == "convolution"
          ? input.apply(Convolution(test.geometry), named: "y", with: constants)
          : input.apply(
            TransposedConvolution(
              test.geometry, outputPadding: test.has("output_padding") ? test.extent("output_padding") : 0),
            named: "y", with: constants)
        g.output("y", y)
      }
      let expected = try #require(test.tensors["output"])
      for backend in ConvolutionTests.backends {
        for algorithm in ConvolutionTests.algorithms {
          let model = try graph.compiled(on: backend, options: .init(convolutionAlgorithm: algorithm))
          guard model.stepInfos[0].algorithm == algorithm else { continue }
          let actual = try #require(try model.run(["x": x])["y"])
          #expect(actual.shape == expected.shape)
          let difference =
            zip(actual.elements(of: Float.self), expected.elements(of: Float.self))
            .map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
          #expect(difference <= Self.tolerance, "\(test.name), \(algorithm) on \(backend.name)")
        }
      }
    }
  }
}
