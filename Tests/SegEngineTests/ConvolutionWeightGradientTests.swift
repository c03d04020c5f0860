import SegEngine
import TestSupport
import Testing

@testable import SegEngine

/// The gradient of a convolution with respect to its weights: every algorithm on every geometry it applies to, against Double loops.
@Suite struct ConvolutionWeightGradientTests {
  /// The two operands of a case. The gradient of a transposed convolution is that of the convolution it transposes, with the operands
  /// exchanged.
  private func operands(_ test: ConvolutionCase) -> (x: Tensor, dy: Tensor) {
    let output = test.problem.output
    let own = Tensor.random([test.batch, test.size.height, test.size.width, test.inChannels], seed: 5)
    let other = Tensor.random([test.batch, output.height, output.width, test.outChannels], seed: 6)
    return test.direction == .forward ? (own, other) : (other, own)
  }

  private func problem(_ geometry: ConvolutionGeometry, _ x: Tensor, _ dy: Tensor) -> ConvolutionProblem {
    ConvolutionProblem(.forward, geometry, input: x.shape, output: dy.shape)
  }

  private func check(_ test: ConvolutionCase) throws {
    let (x, dy) = operands(test)
    let expected = NaiveConvolution.weightGradient(x, dy, test.geometry)
    let largest = expected.magnitudes.max() ?? 0
    for (name, backend) in everyBackend() {
      for algorithm in WeightGradientAlgorithms.candidates(
        for: problem(test.geometry, x, dy), on: ComputeDevice(backend))
      {
        for isStrided in [false, true] {
          let runner = OperatorRunner(backend, isStrided: isStrided)
          let gradient = NamedWeightGradient(geometry: test.geometry, algorithm: algorithm.name)
          let dw = try runner.run(gradient, [x, dy])[0]
          #expect(dw.shape == expected.shape)
          // Winograd's error is that of its tiles: it goes with the largest sum, not with each one's own.
          let isOfTiles = algorithm.name.contains("winograd")
          for (index, value) in dw.elements(of: Float.self).enumerated() {
            let error = abs(Double(value) - expected.values[index])
            let scale = isOfTiles ? largest : expected.magnitudes[index] + 1e-3
            if !(error <= 1e-5 * scale) {
              Issue.record(
                "\(algorithm.name) on \(name): element \(index) is \(value), expected \(expected.values[index])")
              break
            }
          }
        }
      }
    }
  }

  @Test(arguments: ConvolutionCase.forward) func forward(_ test: ConvolutionCase) throws { try check(test) }
  @Test(arguments: ConvolutionCase.transposed) func transposed(_ test: ConvolutionCase) throws { try check(test) }

  /// Many blocks and parts: the sums are the same to the bit for any number of threads.
  @Test func bitsDoNotDependOnThreads() throws {
    var seen: Set<String> = []
    for test in ConvolutionCase.forward + Self.large where test.inChannels * test.outChannels >= 16 * 16 {
      let (x, dy) = operands(test)
      var results: [String: Tensor] = [:]
      for threads in [1, 2, 3] {
        let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
        for algorithm in WeightGradientAlgorithms.candidates(
          for: problem(test.geometry, x, dy), on: ComputeDevice(backend))
        {
          let name = algorithm.name
          seen.insert(name)
          let dw = try OperatorRunner(backend).run(
            NamedWeightGradient(geometry: test.geometry, algorithm: name), [x, dy])[0]
          #expect(dw == results[name] ?? dw, "\(name) on \(threads) threads: \(test.testDescription)")
          results[name] = dw
        }
      }
    }
    #expect(seen == Set(CompileOptions.weightGradientAlgorithmNames))
  }

  private static let large: [ConvolutionCase] = [
    ConvolutionCase(geometry: .init(kernel: 3, padding: 1), inChannels: 200, outChannels: 150, size: 40, batch: 2),
    ConvolutionCase(geometry: .init(kernel: 3, padding: 1), inChannels: 33, outChannels: 40, size: 90, batch: 2),
    ConvolutionCase(geometry: .init(kernel: 1), inChannels: 300, outChannels: 530, size: 30),
    ConvolutionCase(geometry: .init(kernel: 5, padding: 2, groups: 70), inChannels: 70, outChannels: 70, size: 70),
    ConvolutionCase(geometry: .init(kernel: 7, stride: 2, padding: 3), inChannels: 3, outChannels: 64, size: 150),
  ]

  /// Blocks and parts of the larger cases against Double loops.
  @Test(arguments: large) func larger(_ test: ConvolutionCase) throws { try check(test) }

  @Test func shapesThatDoNotFitAreErrors() {
    let gradient = ConvolutionWeightGradient(.init(kernel: 3, padding: 1, groups: 2))
    #expect(shapeError(gradient, [[1, 8, 8, 4], [1, 8, 8, 6]] as [Shape]) == nil)
    #expect(shapeError(gradient, [[1, 8, 8, 4], [2, 8, 8, 6]] as [Shape]) != nil)
    #expect(shapeError(gradient, [[1, 8, 8, 4], [1, 9, 8, 6]] as [Shape]) != nil)
    #expect(shapeError(gradient, [[1, 8, 8, 4], [1, 8, 8, 5]] as [Shape]) != nil)
    #expect(shapeError(gradient, [[1, 8, 8, 3], [1, 8, 8, 6]] as [Shape]) != nil)
  }
}

/// The operator with a named algorithm.
private struct NamedWeightGradient: Operator {
  static let name = "NamedWeightGradient"
  let geometry: ConvolutionGeometry
  let algorithm: String

  private var gradient: ConvolutionWeightGradient { ConvolutionWeightGradient(geometry) }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] { try gradient.outputs(for: inputs) }
  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { gradient.cost(inputs: inputs, outputs: outputs) }
  var takesRowStrides: Bool { gradient.takesRowStrides }
  func prepare(_ context: PreparationContext) -> PreparedOperator {
    gradient.prepare(
      PreparationContext(
        inputs: context.inputs, outputs: context.outputs, constants: context.constants, device: context.device,
        packedWeights: nil, nodeName: "", options: .init(algorithmChoice: .named(algorithm))))
  }
}
