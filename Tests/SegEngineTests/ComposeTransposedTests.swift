import TestSupport
import Testing

@testable import SegEngine

/// A decoder's doubling convolution and the 3 × 3 convolution of its result beside other maps, as one.
@Suite struct ComposeTransposedTests {
  /// A machine that computes in no time, where composing costs no more.
  private static let free = MachineProfile(secondsPerUnit: [0, 0, 0, 0, 0, 0])

  private func decoder(
    _ low: Shape, skips: Int = 1, position: Int = 1, bias: Bool = true, kernel: Int = 3, function: Bool = true,
    isRead: Bool = false
  ) throws -> Graph {
    try Graph("decoder") { graph in
      let x = graph.input("x", low)
      let half = low.channels / 2
      var parts = (0..<skips).map { index in
        graph.input("skip\(index)", [low.batch, 2 * low.height, 2 * low.width, half + 8 * index])
      }
      let up = x.transposedConv("up", half, kernel: 2, stride: 2, bias: bias)
      parts.insert(up, at: position)
      var y = parts.concatenated().conv("conv", half, kernel: Extent2D(kernel), bias: bias).batchNorm("norm")
      if function { y = y.relu() }
      graph.output("y", y)
      if isRead { graph.output("up", up) }
    }
  }

  /// Parameters that are no zeros and ones.
  private func parameters(_ graph: Graph) -> Parameters {
    var parameters = Parameters(initializing: graph, seed: 4)
    var generator = SeededGenerator(seed: 5)
    for name in parameters.names where !name.hasSuffix("weight") || name.hasPrefix("norm") {
      let shape = parameters[name]!.shape
      parameters[name] = Tensor(
        shape, (0..<shape.elementCount).map { _ in Float.random(in: 0.2...1.5, using: &generator) })
    }
    return parameters
  }

  private func operations(_ model: CompiledModel) -> [String] {
    model.stepInfos.map { String($0.operation.prefix { $0 != " " }) }
  }

  /// Against the operators as they were written, whose reference is the naive loops; borders included.
  @Test(
    arguments: [
      ([1, 1, 1, 32], 1, 1), ([2, 5, 9, 64], 1, 0), ([1, 16, 7, 32], 2, 1), ([1, 8, 8, 128], 3, 3),
    ] as [(Shape, Int, Int)]) func resultsStay(_ low: Shape, _ skips: Int, _ position: Int) throws
  {
    for bias in [true, false] {
      for function in [true, false] {
        let graph = try decoder(low, skips: skips, position: position, bias: bias, function: function)
        let parameters = parameters(graph)
        var inputs: [String: Tensor] = [:]
        for (index, port) in graph.inputs.enumerated() {
          inputs[port.name] = .random(graph[port.value].spec.shape, seed: UInt64(index + 1))
        }
        for backend in ConvolutionTests.backends {
          let plain = try graph.compiled(parameters: parameters, on: backend, options: .init(optimizes: false))
          let composed = try graph.compiled(
            parameters: parameters, on: backend, options: .init(profile: Self.free))
          var expected = ["Convolution", "BorderBiasCorrection", "TransposedConvolution"]
          if !bias { expected.remove(at: 1) }
          if skips > 1 { expected.insert("Concat", at: 0) }
          #expect(operations(composed) == expected)
          let (a, b) = (try plain.run(inputs)["y"]!, try composed.run(inputs)["y"]!)
          let scale = a.elements(of: Float.self).reduce(1) { max($0, abs($1)) }
          #expect(mismatch(b, NaiveTensor(a), Tolerance(absolute: 2e-5 * Double(scale))) == nil)
        }
      }
    }
  }

  @Test func whatIsNoSuchPairStays() throws {
    let low: Shape = [1, 8, 8, 32]
    for (name, graph) in [
      ("another kernel", try decoder(low, kernel: 5)), ("read by others", try decoder(low, isRead: true)),
      ("nothing beside it", try decoder(low, skips: 0, position: 0)),
    ] {
      let model = try graph.compiled(
        parameters: parameters(graph), options: .init(profile: Self.free))
      #expect(operations(model).contains("TransposedConvolution"), "\(name)")
      #expect(!operations(model).contains("BorderBiasCorrection"), "\(name)")
    }
  }

  @Test func itSavesMultiplyAdds() throws {
    let products = MachineProfile(secondsPerUnit: [1e-9, 0, 1e-9, 0, 0, 0])
    let graph = try decoder([1, 33, 30, 128])
    let model = try graph.compiled(parameters: parameters(graph), options: .init(profile: products))
    #expect(model.stepInfos.map(\.algorithm) == ["winograd 6×6", "", "winograd transposed 7×7"])
  }

  /// A plan without weights decides the same.
  @Test func plansAreThoseOfCompiledModels() throws {
    let graph = try decoder([1, 6, 5, 64])
    let options = CompileOptions(profile: Self.free)
    let model = try graph.compiled(parameters: parameters(graph), options: options)
    let plan = try graph.plan(options: options)
    #expect(plan.steps.map(\.operation) == model.stepInfos.map(\.operation))
    #expect(plan.residentByteCount == model.plan.residentByteCount)
  }

  /// Where maps are small, the composed kernel's weights cost more than it saves.
  @Test func itIsLeftWhereItDoesNotPay() throws {
    let weights = MachineProfile(secondsPerUnit: [1e-9, 0, 1e-9, 0, 0, 1e-6])
    let graph = try decoder([1, 4, 4, 256])
    let model = try graph.compiled(parameters: parameters(graph), options: .init(profile: weights))
    #expect(operations(model) == ["TransposedConvolution", "Concat", "Convolution"])
  }
}
