import TestSupport
import Testing

@testable import SegEngine

/// What is computed behind a network is computed as by a graph of its own, and compiled once for each size and extension.
@Suite struct GraphExtensionTests {
  /// The class of each pixel at another size.
  private struct Classes: GraphExtension {
    let size: Extent2D

    func extend(_ graph: GraphBuilder, outputs: [Value]) throws {
      graph.output("classes", outputs[0].resize(to: size).argmax(elementType: .int32))
    }
  }

  private struct Failing: GraphExtension {
    struct Refusal: Error, Equatable {}
    func extend(_ graph: GraphBuilder, outputs: [Value]) throws { throw Refusal() }
  }

  private func network() throws -> Graph {
    try Graph("network") { g in
      let x = g.input("x", [1, 8, 8, 3]).conv("resize", 5, kernel: 3, padding: 1).relu()
      g.output("logits", x.resize(by: 2))
      g.output("other", x)
    }
  }

  @Test func anExtensionComputesWhatItsGraphWould() throws {
    let graph = try network()
    let model = try Model(graph, parameters: Parameters(initializing: graph, seed: 2))
    for height in [8, 11] {
      let x = Tensor.random([1, height, 9, 3], seed: 3)
      let logits = try model.run(["x": x])["logits"]!
      for size in [Extent2D(height: 2 * height, width: 18), Extent2D(height: 31, width: 17)] {
        let alone = try Graph("alone") { g in
          try Classes(size: size).extend(g, outputs: [g.input("y", logits.shape)])
        }
        let expected = try alone.compiled().run(["y": logits])["classes"]!
        #expect(try model.run(x, extendedBy: Classes(size: size)) == expected)
        #expect(try model.run(x, extendedBy: Classes(size: size)) == expected)
      }
    }
  }

  /// Where the extension keeps the size of an enlarged map, the map is not made.
  @Test func theExtensionTakesPartInFusion() throws {
    let graph = try network().extended(by: Classes(size: Extent2D(height: 22, width: 18)), for: ["x": [1, 11, 9, 3]])
    #expect(graph.outputs.map(\.name) == ["classes"])
    let model = try graph.compiled(for: ["x": [1, 11, 9, 3]], parameters: Parameters(initializing: graph, seed: 2))
    #expect(model.stepInfos.map { String($0.operation.prefix { $0 != " " }) } == ["Convolution", "ResizeArgMax"])
  }

  @Test func anExtensionsErrorIsThrown() throws {
    let graph = try network()
    let model = try Model(graph, parameters: Parameters(initializing: graph, seed: 2))
    #expect(throws: Failing.Refusal()) { try model.run(.random([1, 8, 8, 3]), extendedBy: Failing()) }
    #expect(throws: GraphError.self) { try model.run(.random([1, 8, 8, 4]), extendedBy: Classes(size: 3)) }
  }
}
