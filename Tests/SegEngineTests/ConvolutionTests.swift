import SegEngine
import TestSupport
import Testing

@testable import SegEngine

/// Every algorithm on every geometry it applies to, over both backends, against Double loops.
@Suite struct ConvolutionTests {
  static let backends: [any Backend] = {
    var backends: [any Backend] = [ReferenceBackend(workers: WorkerPool(threads: 2))]
    for set in VectorKernels.instructionSets where OpenBLASBackend.supports(instructionSet: set) {
      backends.append(OpenBLASBackend(workers: WorkerPool(threads: set == "avx2" ? 1 : 3), instructionSet: set))
    }
    return backends
  }()

  static func random(_ shape: Shape, _ generator: inout SeededGenerator) -> Tensor {
    Tensor(shape, (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) })
  }

  /// 1e-5 of the sum of magnitudes: float32 sums of up to a thousand terms stay below it in any order.
  static let tolerance = 1e-5

  private func check(_ test: ConvolutionCase) throws {
    var generator = SeededGenerator(seed: 3)
    let x = Self.random([test.batch, test.size.height, test.size.width, test.inChannels], &generator)
    let g = test.geometry
    let weightShape: Shape =
      test.direction == .forward
      ? [test.outChannels, test.inChannels / g.groups, g.kernel.height, g.kernel.width]
      : [test.inChannels, test.outChannels / g.groups, g.kernel.height, g.kernel.width]
    let weight = Self.random(weightShape, &generator)
    for bias in [nil, Self.random([test.outChannels], &generator)] {
      let expected =
        test.direction == .forward
        ? NaiveConvolution.forward(x, weight, bias: bias, g)
        : NaiveConvolution.transposed(x, weight, bias: bias, g, outputPadding: test.outputPadding)
      for isConstant in bias == nil ? [true, false] : [true] {
        try check(test, x, weight, bias: bias, isConstant: isConstant, expected)
      }
    }
  }

  /// Weights are constants, which are packed when the graph is compiled, or come from an input and are packed in the run.
  private func check(
    _ test: ConvolutionCase, _ x: Tensor, _ weight: Tensor, bias: Tensor?, isConstant: Bool,
    _ expected: (values: [Double], magnitudes: [Double], shape: Shape)
  ) throws {
    let g = test.geometry
    let graph = try Graph("test") { builder in
      let input = builder.input("x", x.shape)
      let weights = isConstant ? builder.constant(weight) : builder.input("w", weight.shape)
      let others = [weights] + (bias.map { [builder.constant($0)] } ?? [])
      let y =
        test.direction == .forward
        ? input.apply(Convolution(g, function: .relu), named: "y", with: others)
        : input.apply(
          TransposedConvolution(g, outputPadding: test.outputPadding, function: .relu), named: "y", with: others)
      builder.output("y", y)
    }
    let largest = expected.magnitudes.max() ?? 0
    for backend in Self.backends {
      for algorithm in ConvolutionAlgorithms.candidates(for: test.problem, on: ComputeDevice(backend)).map(\.name) {
        let model = try graph.compiled(on: backend, options: .init(convolutionAlgorithm: algorithm))
        #expect(model.stepInfos.last?.algorithm == algorithm)
        let y = try #require(try model.run(isConstant ? ["x": x] : ["x": x, "w": weight])["y"])
        #expect(y.shape == expected.shape)
        y.withElements(of: Float.self) { y in
          for index in expected.values.indices {
            let value = max(0, expected.values[index])
            let error = abs(Double(y[index]) - value)
            // Winograd's error is that of its tile, Strassen's that of four results: it goes with the largest sum,
            // not with each one's own.
            let isOfSeveral = algorithm.hasPrefix("winograd") || algorithm.hasSuffix("strassen")
            let scale = isOfSeveral ? largest : expected.magnitudes[index] + 1e-3
            if !(error <= Self.tolerance * scale) {
              Issue.record("\(algorithm) on \(backend.name): element \(index) is \(y[index]), expected \(value)")
              return
            }
          }
        }
      }
    }
  }

  @Test(arguments: ConvolutionCase.forward) func forward(_ test: ConvolutionCase) throws { try check(test) }

  @Test(arguments: ConvolutionCase.transposed) func transposed(_ test: ConvolutionCase) throws { try check(test) }

  static let algorithms: Set<String> = [
    "depthwise", "pointwise", "strassen", "direct", "im2col", "winograd isolated 2×2",
    "winograd isolated 3×3", "winograd 2×2", "winograd 3×3", "winograd 4×4", "winograd 6×6",
    "winograd transposed 5×5", "winograd transposed 7×7", "transposed reshuffle", "transposed strassen",
    "transposed depthwise", "transposed direct", "transposed scatter",
  ]

  /// The sum with another map, by every algorithm of a transposed convolution, also written over it.
  @Test func transposedAddsAResidual() throws {
    var generator = SeededGenerator(seed: 12)
    for (geometry, size, outputs) in [
      (ConvolutionGeometry(kernel: 4, stride: 2, padding: 1), Extent2D(height: 5, width: 9), 20),
      (ConvolutionGeometry(kernel: 2, stride: 2), Extent2D(height: 7, width: 4), 128),
      (ConvolutionGeometry(kernel: 3, stride: 2, padding: 1, groups: 2), Extent2D(height: 4, width: 5), 20),
      (ConvolutionGeometry(kernel: 3, stride: 2, padding: 1, groups: 32), Extent2D(height: 4, width: 5), 1),
      (ConvolutionGeometry(kernel: 3, padding: 1), Extent2D(height: 6, width: 5), 40),
    ] {
      let x = Self.random([2, size.height, size.width, 32], &generator)
      let weight = Self.random([32, outputs, geometry.kernel.height, geometry.kernel.width], &generator)
      let bias = Self.random([outputs * geometry.groups], &generator)
      let expected = NaiveConvolution.transposed(x, weight, bias: bias, geometry, outputPadding: 0)
      let residual = Self.random(expected.shape, &generator)
      let problem = ConvolutionProblem(.transposed, geometry, input: x.shape, output: expected.shape)
      let added = residual.elements(of: Float.self).map(Double.init)
      let largest = expected.magnitudes.max() ?? 0
      for isOverwritten in [false, true] {
        let graph = try Graph("sum") { builder in
          let input = builder.input("x", x.shape)
          let up = input.apply(
            TransposedConvolution(geometry), named: "up", with: [builder.constant(weight), builder.constant(bias)])
          let other = builder.input("r", residual.shape)
          // What is computed between is nobody else's, and the sum is no output.
          builder.output("y", isOverwritten ? (other.relu() + up).relu().relu() : (other + up).relu())
        }
        for backend in Self.backends {
          for algorithm in ConvolutionAlgorithms.candidates(for: problem, on: ComputeDevice(backend)).map(\.name) {
            let model = try graph.compiled(on: backend, options: .init(convolutionAlgorithm: algorithm))
            let step = model.stepInfos[isOverwritten ? 1 : 0]
            #expect(step.algorithm == algorithm)
            if isOverwritten, geometry.kernel == 4 {
              #expect(model.arenaByteCount == step.output.byteCount + step.workspaceByteCount, "\(algorithm)")
            }
            let y = try #require(try model.run(["x": x, "r": residual])["y"]).elements(of: Float.self)
            for index in y.indices {
              let value = max(0, expected.values[index] + (isOverwritten ? max(0, added[index]) : added[index]))
              if !(abs(Double(y[index]) - value) <= Self.tolerance * largest) {
                Issue.record("\(algorithm) on \(backend.name): element \(index) is \(y[index]), expected \(value)")
                break
              }
            }
          }
        }
      }
    }
  }

  @Test func everyAlgorithmIsExercised() {
    let exercised = Set(
      (ConvolutionCase.forward + ConvolutionCase.transposed).flatMap { test in
        Self.backends.flatMap { ConvolutionAlgorithms.candidates(for: test.problem, on: ComputeDevice($0)).map(\.name) }
      })
    #expect(exercised == Self.algorithms)
  }

  /// A map that is part of a wider one has gaps between its pixels: kernel rows are no runs there.
  @Test func fewChannelsOfAWiderMap() throws {
    var generator = SeededGenerator(seed: 8)
    let x = Self.random([1, 11, 12, 5], &generator)
    let weight = Self.random([7, 3, 3, 3], &generator)
    let geometry = ConvolutionGeometry(kernel: 3, stride: 2, padding: 1)
    let graph = try Graph("parts") { builder in
      let parts = builder.input("x", x.shape).split(sizes: [2, 3])
      builder.output("y", parts[1].apply(Convolution(geometry), named: "y", with: [builder.constant(weight)]))
    }
    let part = Tensor(
      [1, 11, 12, 3],
      x.elements(of: Float.self).enumerated().filter { $0.offset % 5 >= 2 }.map(\.element))
    let expected = NaiveConvolution.forward(part, weight, bias: nil, geometry)
    for backend in Self.backends {
      let model = try graph.compiled(on: backend, options: .init(convolutionAlgorithm: "direct"))
      #expect(model.stepInfos.map(\.algorithm).contains("direct"))
      let y = try #require(try model.run(["x": x])["y"]).elements(of: Float.self)
      for index in y.indices {
        #expect(abs(Double(y[index]) - expected.values[index]) <= Self.tolerance * (expected.magnitudes[index] + 1e-3))
      }
    }
  }

  @Test func wrongChannelsNameBothShapes() {
    #expect {
      try Graph("test") { g in
        let x = g.input("x", [1, 8, 8, 3])
        g.output(
          "y", x.apply(Convolution(.init(kernel: 3)), named: "y", with: [g.constant(Tensor(zeros: [4, 5, 3, 3]))]))
      }
    } throws: {
      let message = "\($0)"
      return message.contains("[1, 8, 8, 3]") && message.contains("[4, 5, 3, 3]")
        && message.contains("ConvolutionTests")
    }
  }

  @Test func foldsBatchNormAndActivation() throws {
    let graph = try Graph("test") { g in
      var x = g.input("x", [1, 9, 11, 5])
      x = x.conv("conv", 7, kernel: 3).batchNorm("bn").relu()
      x = x.transposedConv("up", 6, kernel: 4, stride: 2, padding: 1, groups: 1, bias: false).batchNorm("bn2").relu6()
      g.output("y", x)
    }
    var parameters = Parameters(initializing: graph, seed: 4)
    var generator = SeededGenerator(seed: 5)
    for name in parameters.names where name.hasPrefix("bn") || name.hasSuffix("bias") {
      let shape = parameters[name]!.shape
      parameters[name] = Tensor(
        shape, (0..<shape.elementCount).map { _ in Float.random(in: 0.2...1.5, using: &generator) })
    }
    let x = Self.random([1, 9, 11, 5], &generator)
    let plain = try graph.compiled(parameters: parameters, options: .init(optimizes: false))
    let optimized = try graph.compiled(parameters: parameters)
    #expect(plain.stepInfos.count == 6)
    #expect(optimized.stepInfos.count == 2)
    let a = try plain.run(["x": x])["y"]!.elements(of: Float.self)
    let b = try optimized.run(["x": x])["y"]!.elements(of: Float.self)
    for index in a.indices { #expect(abs(a[index] - b[index]) <= 1e-4) }
  }
}
