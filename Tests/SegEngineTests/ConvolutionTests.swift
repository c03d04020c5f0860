import SegEngine
import TestSupport
import Testing

@testable import SegEngine

/// Every algorithm on every geometry it applies to, over both backends, against Double loops.
@Suite struct ConvolutionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var direction: ConvolutionDirection = .forward
    var geometry: ConvolutionGeometry
    var inChannels: Int
    var outChannels: Int
    var size: Extent2D
    var batch = 1
    var outputPadding: Extent2D = 0
    var problem: ConvolutionProblem {
      let output =
        direction == .forward
        ? geometry.outputSize(of: size) : geometry.transposedOutputSize(of: size, outputPadding: outputPadding)
      return ConvolutionProblem(
        direction, geometry, input: [batch, size.height, size.width, inChannels],
        output: [batch, output.height, output.width, outChannels])
    }
    var testDescription: String {
      "\(direction) \(geometry) \(inChannels)→\(outChannels) \(batch)×\(size) output padding \(outputPadding)"
    }
  }

  /// Geometries that differ in every parameter, and sizes from smaller than the kernel to several tiles.
  static let forwardCases: [Case] = {
    var cases: [Case] = []
    var generator = SeededGenerator(seed: 1)
    for kernel in [
      Extent2D(height: 1, width: 1), Extent2D(height: 3, width: 3), Extent2D(height: 1, width: 5),
      Extent2D(height: 4, width: 2), Extent2D(height: 7, width: 7),
    ] {
      for stride in [Extent2D(height: 1, width: 1), Extent2D(height: 2, width: 2), Extent2D(height: 3, width: 1)] {
        for dilation in [Extent2D(height: 1, width: 1), Extent2D(height: 2, width: 2), Extent2D(height: 1, width: 6)] {
          for groups in [1, 2, 4] {
            let padding = Padding2D(
              top: Int.random(in: 0...4, using: &generator), left: Int.random(in: 0...4, using: &generator),
              bottom: Int.random(in: 0...4, using: &generator), right: Int.random(in: 0...13, using: &generator))
            let geometry = ConvolutionGeometry(
              kernel: kernel, stride: stride, dilation: dilation, padding: padding, groups: groups)
            let size = Extent2D(
              height: Int.random(in: 3...14, using: &generator), width: Int.random(in: 3...40, using: &generator))
            let output = geometry.outputSize(of: size)
            guard output.height > 0, output.width > 0 else { continue }
            cases.append(
              Case(
                geometry: geometry, inChannels: groups * Int.random(in: 1...20, using: &generator),
                outChannels: groups * Int.random(in: 1...24, using: &generator), size: size,
                batch: Int.random(in: 1...2, using: &generator)))
          }
        }
      }
    }
    // Pointwise, several panels of columns and several blocks of rows; depthwise with a multiplier; rate larger than the map.
    let same = ConvolutionGeometry(kernel: 3, padding: 1)
    cases.append(
      Case(geometry: .init(kernel: 1), inChannels: 150, outChannels: 200, size: Extent2D(height: 17, width: 19)))
    // Quarters of whole registers and panels, an odd number of pixels and several tiles.
    cases.append(Case(geometry: .init(kernel: 1), inChannels: 96, outChannels: 384, size: 7))
    cases.append(
      Case(
        geometry: .init(kernel: 1), inChannels: 160, outChannels: 768, size: Extent2D(height: 13, width: 10), batch: 2))
    cases.append(Case(geometry: same, inChannels: 140, outChannels: 70, size: Extent2D(height: 5, width: 300)))
    cases.append(Case(geometry: same, inChannels: 1, outChannels: 21, size: Extent2D(height: 9, width: 9), batch: 3))
    // Transformed weights beyond a core's cache: whole panels, a last one of a register, and one below.
    cases.append(Case(geometry: same, inChannels: 256, outChannels: 200, size: Extent2D(height: 13, width: 9)))
    cases.append(Case(geometry: .init(kernel: 3, dilation: 2, padding: 2), inChannels: 330, outChannels: 164, size: 10))
    // The same beyond what is kept at all: parts of the depth, whole panels and a last one of a register of sixteen.
    cases.append(Case(geometry: same, inChannels: 400, outChannels: 384, size: Extent2D(height: 9, width: 7)))
    cases.append(Case(geometry: .init(kernel: 3, dilation: 2, padding: 2), inChannels: 448, outChannels: 336, size: 7))
    // Phases of one to three pixels with nothing around them, weights that a cache holds and such that it does not.
    for (rate, size, inputs, outputs) in [
      (6, Extent2D(height: 9, width: 11), 24, 40), (4, Extent2D(height: 11, width: 9), 33, 17),
      (3, Extent2D(height: 8, width: 7), 256, 250),
    ] {
      cases.append(
        Case(
          geometry: .init(kernel: 3, dilation: Extent2D(rate), padding: Padding2D(rate)), inChannels: inputs,
          outChannels: outputs, size: size, batch: 2))
    }
    // Depthwise rows beyond a cache: channels in parts.
    cases.append(
      Case(
        geometry: .init(kernel: 5, dilation: 2, padding: 4, groups: 100), inChannels: 100, outChannels: 100,
        size: Extent2D(height: 5, width: 90)))
    for multiplier in [1, 2, 3] {
      for channels in [3, 16, 19, 40] {
        for stride in [1, 2] {
          cases.append(
            Case(
              geometry: .init(kernel: 3, stride: .init(stride), dilation: 2, padding: 2, groups: channels),
              inChannels: channels, outChannels: channels * multiplier, size: Extent2D(height: 11, width: 13), batch: 2)
          )
        }
      }
    }
    cases.append(
      Case(
        geometry: .init(kernel: 3, dilation: 12, padding: 12), inChannels: 33, outChannels: 17,
        size: Extent2D(height: 10, width: 10)))
    // Three by three with channels enough for Winograd: sizes that are no multiple of a tile, paddings that differ by side, rates with
    // phases of unequal extent and rates beyond the map.
    for (size, dilation, batch) in [
      (Extent2D(height: 1, width: 1), 1, 1), (Extent2D(height: 7, width: 5), 1, 2),
      (Extent2D(height: 24, width: 25), 1, 1), (Extent2D(height: 13, width: 40), 1, 1),
      (Extent2D(height: 11, width: 17), 2, 2), (Extent2D(height: 20, width: 19), 3, 1),
      (Extent2D(height: 16, width: 16), 6, 1), (Extent2D(height: 9, width: 30), 12, 1),
      (Extent2D(height: 4, width: 4), 7, 1),
    ] as [(Extent2D, Int, Int)] {
      for padding in [
        Padding2D(dilation), Padding2D(top: 0, left: dilation + 1, bottom: 2 * dilation, right: dilation),
      ] {
        for dilation in [Extent2D(dilation), Extent2D(height: dilation, width: max(1, dilation / 2))] {
          let geometry = ConvolutionGeometry(kernel: 3, dilation: dilation, padding: padding)
          let output = geometry.outputSize(of: size)
          guard output.height > 0, output.width > 0 else { continue }
          let (inputs, outputs) = (
            Int.random(in: 16...40, using: &generator), Int.random(in: 16...70, using: &generator)
          )
          cases.append(Case(geometry: geometry, inChannels: inputs, outChannels: outputs, size: size, batch: batch))
        }
      }
    }
    return cases
  }()

  static let transposedCases: [Case] = {
    var cases: [Case] = []
    var generator = SeededGenerator(seed: 2)
    for kernel in [
      Extent2D(height: 1, width: 1), Extent2D(height: 2, width: 2), Extent2D(height: 3, width: 3),
      Extent2D(height: 4, width: 2), Extent2D(height: 5, width: 8),
    ] {
      for stride in [
        Extent2D(height: 1, width: 1), Extent2D(height: 2, width: 2), Extent2D(height: 3, width: 1),
        Extent2D(height: 4, width: 2),
      ] {
        for dilation in [Extent2D(height: 1, width: 1), Extent2D(height: 2, width: 3)] {
          for groups in [1, 2] {
            for outputPadding in [Extent2D(height: 0, width: 0), Extent2D(height: 1, width: 0)] {
              let padding = Padding2D(
                top: Int.random(in: 0...1, using: &generator), left: Int.random(in: 0...1, using: &generator),
                bottom: Int.random(in: 0...2, using: &generator), right: Int.random(in: 0...1, using: &generator))
              for padding in [padding, 0] {
                let geometry = ConvolutionGeometry(
                  kernel: kernel, stride: stride, dilation: dilation, padding: padding, groups: groups)
                let size = Extent2D(
                  height: Int.random(in: 2...9, using: &generator), width: Int.random(in: 2...17, using: &generator))
                let output = geometry.transposedOutputSize(of: size, outputPadding: outputPadding)
                guard output.height > 0, output.width > 0 else { continue }
                cases.append(
                  Case(
                    direction: .transposed, geometry: geometry,
                    inChannels: groups * Int.random(in: 1...20, using: &generator),
                    outChannels: groups * Int.random(in: 1...24, using: &generator), size: size,
                    batch: Int.random(in: 1...2, using: &generator), outputPadding: outputPadding))
              }
            }
          }
        }
      }
    }
    cases.append(
      Case(
        direction: .transposed, geometry: .init(kernel: 2, stride: 2), inChannels: 130, outChannels: 70,
        size: Extent2D(height: 20, width: 37)))
    cases.append(
      Case(
        direction: .transposed, geometry: .init(kernel: 16, stride: 8, padding: 4), inChannels: 21, outChannels: 21,
        size: Extent2D(height: 12, width: 9)))
    // Quarters of whole registers and panels, several bands, rows of a pixel.
    for (size, kernel, batch) in [(Extent2D(height: 9, width: 11), 2, 2), (Extent2D(height: 57, width: 1), 3, 1)] {
      cases.append(
        Case(
          direction: .transposed, geometry: .init(kernel: Extent2D(kernel), stride: Extent2D(kernel)), inChannels: 96,
          outChannels: 256, size: size, batch: batch))
    }
    // Four by four of stride 2 with channels enough for Winograd: paddings even and odd that differ by side, outputs beyond the last
    // input, panels of channels, and weights beyond what is kept.
    for (size, batch, outputs) in [
      (Extent2D(height: 1, width: 1), 1, 24), (Extent2D(height: 6, width: 7), 2, 64),
      (Extent2D(height: 13, width: 5), 1, 33), (Extent2D(height: 20, width: 9), 1, 128),
    ] {
      for (padding, outputPadding) in [
        (Padding2D(1), Extent2D(0)), (Padding2D(0), Extent2D(height: 1, width: 0)),
        (Padding2D(top: 2, left: 3, bottom: 0, right: 1), 0),
        (Padding2D(top: 1, left: 0, bottom: 2, right: 2), 1),
      ] as [(Padding2D, Extent2D)] {
        let geometry = ConvolutionGeometry(kernel: 4, stride: 2, padding: padding)
        let output = geometry.transposedOutputSize(of: size, outputPadding: outputPadding)
        guard output.height > 0, output.width > 0 else { continue }
        cases.append(
          Case(
            direction: .transposed, geometry: geometry, inChannels: Int.random(in: 16...40, using: &generator),
            outChannels: outputs, size: size, batch: batch, outputPadding: outputPadding))
      }
    }
    cases.append(
      Case(
        direction: .transposed, geometry: .init(kernel: 4, stride: 2, padding: 1), inChannels: 528, outChannels: 64,
        size: Extent2D(height: 5, width: 4)))
    return cases
  }()

  static let backends: [any Backend] = {
    var backends: [any Backend] = [ReferenceBackend(workers: WorkerPool(threads: 2))]
    for set in ["baseline", "avx2", "avx512"] where OpenBLASBackend.supports(instructionSet: set) {
      backends.append(OpenBLASBackend(workers: WorkerPool(threads: set == "avx2" ? 1 : 3), instructionSet: set))
    }
    return backends
  }()

  static func random(_ shape: Shape, _ generator: inout SeededGenerator) -> Tensor {
    Tensor(shape, (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) })
  }

  /// 1e-5 of the sum of magnitudes: float32 sums of up to a thousand terms stay below it in any order.
  static let tolerance = 1e-5

  private func check(_ test: Case) throws {
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
      let graph = try Graph("test") { builder in
        let input = builder.input("x", x.shape)
        let others = ([weight] + (bias.map { [$0] } ?? [])).map { builder.constant($0) }
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
          #expect(model.stepInfos[0].algorithm == algorithm)
          let y = try #require(try model.run(["x": x])["y"])
          #expect(y.shape == expected.shape)
          y.withElements(of: Float.self) { y in
            for index in expected.values.indices {
              let value = max(0, expected.values[index])
              let error = abs(Double(y[index]) - value)
              // Winograd's error is that of its tile, Strassen's that of four results: it goes with the largest sum, not with each
              // one's own.
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
  }

  @Test(arguments: forwardCases) func forward(_ test: Case) throws { try check(test) }

  @Test(arguments: transposedCases) func transposed(_ test: Case) throws { try check(test) }

  static let algorithms: Set<String> = [
    "depthwise", "pointwise", "strassen", "direct", "im2col", "winograd isolated 2×2",
    "winograd isolated 3×3", "winograd 2×2", "winograd 3×3", "winograd 4×4", "winograd 6×6",
    "winograd transposed 5×5", "winograd transposed 7×7", "transposed reshuffle", "transposed strassen",
    "transposed scatter",
  ]

  /// The sum with another map, by every algorithm of a transposed convolution, also written over it.
  @Test func transposedAddsAResidual() throws {
    var generator = SeededGenerator(seed: 12)
    for (geometry, size, outputs) in [
      (ConvolutionGeometry(kernel: 4, stride: 2, padding: 1), Extent2D(height: 5, width: 9), 20),
      (ConvolutionGeometry(kernel: 2, stride: 2), Extent2D(height: 7, width: 4), 128),
      (ConvolutionGeometry(kernel: 3, stride: 2, padding: 1, groups: 2), Extent2D(height: 4, width: 5), 20),
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
      (Self.forwardCases + Self.transposedCases).flatMap { test in
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
