import SegEngine
import Testing

/// What graphs cost, layer by layer and block by block.
@Suite struct GraphAnalysisTests {
  private func graph() throws -> Graph {
    try Graph("net") { g in
      var x = g.input("x", [1, 8, 8, 3])
      for stage in 0..<2 {
        x = g.scope("stage\(stage)") {
          g.scope("0") { x.conv("conv", 4, kernel: 3).relu() }.conv("last", 4, kernel: 1, bias: false)
        }
      }
      g.output("y", x.maxPool(kernel: 2, stride: 2))
    }
  }

  @Test func layersAndTotalAreThoseOfTheSummary() throws {
    let (analysis, summary) = (try GraphAnalysis(try graph()), try GraphSummary(try graph()))
    #expect(analysis.layers.map(\.name) == summary.layers.map(\.name))
    #expect(analysis.total.cost == summary.total)
    #expect(analysis.total.operations(.torchvision) == summary.total.macs)
    #expect(analysis.total.operations(.full) == summary.total.flops)
    // 3×3 of 3→4 and 4→4, twice 1×1 of 4→4, on 64 pixels.
    #expect(analysis.total.operations(.torchvision) == 64 * (9 * 12 + 9 * 16 + 2 * 16))
    // A bias, a ReLU an element of two maps; four comparisons an element of the pooling.
    #expect(analysis.total.cost.otherOperations == 2 * 2 * 64 * 4 + 4 * 16 * 4)
  }

  @Test func blocksAddUp() throws {
    let analysis = try GraphAnalysis(try graph())
    #expect(analysis.blocks(depth: 1).map(\.name) == ["stage0", "stage1", "maxPool"])
    for depth in 1...4 {
      let blocks = analysis.blocks(depth: depth)
      #expect(blocks.reduce(Cost()) { $0 + $1.cost } == analysis.total.cost)
      #expect(blocks.reduce(0) { $0 + $1.activationByteCount } == analysis.total.activationByteCount)
    }
    #expect(analysis.blocks(depth: 3).map(\.name).contains("stage0.0.conv"))
    #expect(analysis.blocks(depth: 1)[0].operation == "3 operators")
  }

  @Test func whatIsAliveAtOnce() throws {
    // Input of 192 numbers, then maps of 256; at most the read and the written one.
    let chain = try GraphAnalysis(try graph())
    #expect(chain.peakActivationByteCount == 4 * (256 + 256))
    // A skip connection keeps the first map until the sum is there.
    let skip = try Graph("skip") { g in
      let x = g.input("x", [1, 4, 4, 1])
      let a = x.conv("a", 8, kernel: 3)
      g.output("y", a + a.conv("b", 8, kernel: 3).conv("c", 8, kernel: 3))
    }
    #expect(try GraphAnalysis(skip).peakActivationByteCount == 4 * 3 * 128)
    // An output stays alive.
    let outputs = try Graph("outputs") { g in
      let x = g.input("x", [1, 4, 4, 1])
      let a = x.conv("a", 2, kernel: 3)
      g.output("a", a)
      g.output("c", a.conv("b", 2, kernel: 3).conv("c", 2, kernel: 3))
    }
    #expect(try GraphAnalysis(outputs).peakActivationByteCount == 4 * 3 * 32)
  }

  /// An ONNX file's graph holds its weights as constants.
  @Test func constantsThatAreWeightsCount() throws {
    let weight = Tensor([4, 3, 3, 3], repeating: 1 as Float)
    let bias = Tensor([4], repeating: 1 as Float)
    let graph = try Graph("constants") { g in
      let x = g.input("x", [1, 8, 8, 3])
      let (w, b) = (g.constant(weight), g.constant(bias))
      let convolution = Convolution(ConvolutionGeometry(kernel: 3, padding: 1))
      let y = x.apply(convolution, named: "a", with: [w, b])
      let z = x.apply(convolution, named: "b", with: [w, b])
      g.output("y", (y + z) * 2)
    }
    let summary = try GraphSummary(graph)
    #expect(summary.parameterCount == 108 + 4 && summary.trainableParameterCount == 108 + 4)
    #expect(summary.total.parameters == 2 * 112)
  }
}
