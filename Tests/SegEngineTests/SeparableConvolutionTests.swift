import SegEngine
import TestSupport
import Testing

@testable import SegEngine

/// Depthwise convolutions with their 1×1 convolutions a few rows at a time, against Double loops stage by stage.
@Suite struct SeparableConvolutionTests {
  private struct Case: CustomStringConvertible {
    var geometry: ConvolutionGeometry
    var size: Extent2D
    var batch = 1
    var input = 5
    var middle = 24
    var output = 9
    var expands = true
    var projects = true
    var addsResidual = false
    var description: String { "\(geometry) \(batch)×\(size) \(expands) \(projects) \(addsResidual)" }
  }

  private static func depthwise(
    _ kernel: Int, stride: Int = 1, dilation: Int = 1, channels: Int = 24, padding: Padding2D? = nil
  ) -> ConvolutionGeometry {
    ConvolutionGeometry(
      kernel: Extent2D(kernel), stride: Extent2D(stride), dilation: Extent2D(dilation),
      padding: padding ?? Padding2D(dilation * (kernel - 1) / 2), groups: channels)
  }

  private static let cases: [Case] = [
    Case(geometry: depthwise(3), size: Extent2D(height: 13, width: 60)),
    Case(geometry: depthwise(3, stride: 2), size: Extent2D(height: 40, width: 17), batch: 2),
    Case(geometry: depthwise(5, dilation: 2), size: Extent2D(height: 31, width: 9)),
    Case(geometry: depthwise(5, stride: 2), size: Extent2D(height: 33, width: 33), projects: false),
    Case(geometry: depthwise(3, dilation: 3), size: Extent2D(height: 20, width: 11), expands: false),
    Case(geometry: depthwise(3), size: Extent2D(height: 64, width: 20), middle: 24, output: 5, addsResidual: true),
    // Outputs that read nothing but padding, and a stride beyond the kernel.
    Case(geometry: depthwise(3, padding: Padding2D(6)), size: Extent2D(height: 7, width: 8)),
    Case(
      geometry: depthwise(3, stride: 5, padding: Padding2D(top: 0, left: 1, bottom: 3, right: 0)),
      size: Extent2D(height: 41, width: 23)),
    Case(geometry: depthwise(1, channels: 19), size: Extent2D(height: 6, width: 6), middle: 19),
  ]

  @Test func equalsTheStagesOneByOne() throws {
    for test in Self.cases {
      var generator = SeededGenerator(seed: 11)
      func random(_ shape: Shape) -> Tensor { ConvolutionTests.random(shape, &generator) }
      let x = random([test.batch, test.size.height, test.size.width, test.expands ? test.input : test.middle])
      let pointwise = ConvolutionGeometry(kernel: 1)
      var stages: [(Convolution, weight: Tensor, bias: Tensor)] = []
      if test.expands {
        stages.append(
          (Convolution(pointwise, function: .relu6), random([test.middle, test.input, 1, 1]), random([test.middle])))
      }
      stages.append(
        (
          Convolution(test.geometry, function: .hardSwish),
          random([test.middle, 1, test.geometry.kernel.height, test.geometry.kernel.width]), random([test.middle])
        ))
      if test.projects {
        stages.append(
          (
            Convolution(pointwise, addingResidual: test.addsResidual), random([test.output, test.middle, 1, 1]),
            random([test.output])
          ))
      }

      // Stage by stage in Double, each rounded to float32.
      var expected = x
      for (operation, weight, bias) in stages {
        let sums = NaiveConvolution.forward(expected, weight, bias: bias, operation.geometry)
        expected = Tensor(sums.shape, sums.values.map { Float(operation.function($0)) })
      }
      if test.addsResidual {
        expected = Tensor(
          expected.shape,
          zip(expected.elements(of: Float.self), x.elements(of: Float.self)).map { $0 + $1 })
      }

      let graph = try Graph("separable") { builder in
        let input = builder.input("x", x.shape)
        var operands = stages.flatMap { [builder.constant($0.weight), builder.constant($0.bias)] }
        if test.addsResidual { operands.append(input) }
        builder.output(
          "y", input.apply(SeparableConvolution(stages: stages.map(\.0)), named: "separable", with: operands))
      }
      for backend in ConvolutionTests.backends {
        let model = try graph.compiled(on: backend)
        #expect(model.stepInfos.map(\.algorithm) == ["rows"])
        let y = try #require(try model.run(["x": x])["y"])
        #expect(
          mismatch(y, NaiveTensor(expected), Tolerance(absolute: 4e-5)) == nil, "\(test) on \(backend.name)")
      }
    }
  }

  private func block(_ x: Value, _ middle: Int, squeezing: Bool = false) -> Value {
    var y = x.conv("expand", middle, kernel: 1, bias: false).batchNorm("bn1").relu()
    y = y.conv("depthwise", middle, kernel: 3, groups: middle, bias: false).batchNorm("bn2").relu()
    if squeezing { y = y * y.mean(axes: [1, 2]).sigmoid() }
    return y.conv("project", x.channels, kernel: 1).batchNorm("bn3") + x
  }

  private func operations(_ graph: Graph, _ pass: FuseSeparable) throws -> [String] {
    let parameters = Parameters(initializing: graph, seed: 1)
    var bound = graph
    for index in bound.values.indices {
      if case .parameter(let name) = bound.values[index].source, let tensor = parameters[name] {
        bound.values[index].source = .constant(tensor)
      }
    }
    var editor = GraphEditor(bound)
    for rewrite in [FoldChannelAffine(), FuseResidual(), FuseFunction(), pass] as [any GraphRewrite] {
      editor.apply(rewrite)
    }
    return editor.finish().nodes.map {
      $0.operator is SeparableConvolution ? $0.operator.attributes : type(of: $0.operator).name
    }
  }

  /// 64 · 64 · 64 pixels of 4 bytes are a map of 1 MiB.
  @Test func mapsBeyondTheCacheAreNeverMade() throws {
    let graph = try Graph("block") { g in g.output("y", block(g.input("x", [1, 64, 64, 8]), 64)) }
    #expect(
      try operations(graph, FuseSeparable()) == [
        "1×1 + relu → 3×3 padding 1 groups 64 + relu → 1×1 + residual"
      ])
    let small = try Graph("block") { g in g.output("y", block(g.input("x", [1, 63, 64, 8]), 64)) }
    #expect(try operations(small, FuseSeparable()) == ["Convolution", "Convolution", "Convolution"])
    // Rows that do not fit are not kept; the projection is joined all the same.
    #expect(
      try operations(graph, FuseSeparable(largestRing: 1000)) == [
        "Convolution", "3×3 padding 1 groups 64 + relu → 1×1 + residual",
      ])
    let squeezing = try Graph("block") { g in g.output("y", block(g.input("x", [1, 64, 64, 8]), 64, squeezing: true)) }
    let names = try operations(squeezing, FuseSeparable())
    #expect(names.first == "1×1 + relu → 3×3 padding 1 groups 64 + relu" && names.contains("Convolution"))
  }

  @Test func joinedBlocksGiveTheSame() throws {
    let graph = try Graph("blocks") { g in
      let x = g.input("x", [1, 70, 66, 8])
      let y = g.scope("a") { block(x, 64) }
      g.output("y", g.scope("b") { block(y, 64, squeezing: true) })
    }
    let parameters = Parameters(initializing: graph, seed: 5)
    let x = Tensor.random([1, 70, 66, 8])
    let plain = try graph.compiled(parameters: parameters, options: .init(optimizes: false)).run(["x": x])["y"]!
    for backend in ConvolutionTests.backends.dropFirst() {
      let model = try graph.compiled(parameters: parameters, on: backend)
      #expect(model.stepInfos.contains { $0.algorithm == "rows" })
      #expect(mismatch(try model.run(["x": x])["y"]!, NaiveTensor(plain), Tolerance(absolute: 2e-5)) == nil)
    }
  }

  /// What is counted is what the stages count.
  @Test func costIsThatOfTheStages() throws {
    let pixels = 64 * 64
    let stages = [
      Convolution(.init(kernel: 1)), Convolution(Self.depthwise(3, channels: 64)), Convolution(.init(kernel: 1)),
    ]
    let inputs: [TensorSpec] =
      [[1, 64, 64, 8], [64, 8, 1, 1], [64], [64, 1, 3, 3], [64], [8, 64, 1, 1], [8]].map { TensorSpec($0) }
    let operation = SeparableConvolution(stages: stages)
    let cost = operation.cost(inputs: inputs, outputs: try operation.outputs(for: inputs))
    #expect(cost.macs == pixels * (8 * 64 + 9 * 64 + 64 * 8))
    #expect(cost.parameters == 8 * 64 + 64 + 9 * 64 + 64 + 64 * 8 + 8)
  }
}
