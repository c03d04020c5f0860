import Foundation
import TestSupport
import Testing

@testable import SegEngine

/// The bookkeeping of the editor: order, uses, shapes, and what is released.
@Suite struct GraphEditorTests {
  /// x → sigmoid → relu → y
  private func chain() throws -> Graph {
    try Graph("chain") { g in
      let x = g.input("x", [1, 4, 4, 2])
      g.output("y", x.apply(Elementwise(.sigmoid), named: "a").apply(Elementwise(.relu), named: "b"))
    }
  }

  private func names(_ graph: Graph) -> [String] { graph.nodes.map(\.name) }

  private func node(_ name: String, _ editor: GraphEditor) throws -> Graph.NodeID {
    try #require(editor.nodes.first { editor[$0].name == name })
  }

  /// Every operand of a node is computed by a node before it, or by none.
  private func isOrdered(_ graph: Graph) -> Bool {
    var computed = Set<Graph.ValueID>()
    let all = Set(graph.nodes.flatMap(\.outputs))
    for node in graph.nodes {
      guard node.inputs.allSatisfy({ computed.contains($0) || !all.contains($0) }) else { return false }
      computed.formUnion(node.outputs)
    }
    return true
  }

  @Test func insertedNodesHaveInferredShapesAndStandBeforeTheirReader() throws {
    var editor = GraphEditor(try chain())
    let b = try node("b", editor)
    let moved = editor.insert(Transpose([0, 3, 1, 2]), named: "t", on: editor[b].inputs, before: b)
    #expect(editor.spec(of: moved[0]).shape == [1, 2, 4, 4])
    let back = editor.insert(Transpose([0, 2, 3, 1]), named: "u", on: moved, before: b)
    editor.replace(b, by: editor[b].operator, on: back)
    let graph = editor.finish()
    #expect(names(graph) == ["a", "t", "u", "b"])
    #expect(isOrdered(graph))
  }

  @Test func nodesWithoutUseGoWithAllThatTheyAloneRead() throws {
    let graph = try Graph("dead") { g in
      let x = g.input("x", [1, 4, 4, 2])
      let weight = g.constant(Tensor.random([2], seed: 1))
      let a = (x * weight).apply(Elementwise(.sigmoid), named: "a")
      g.output("y", a.apply(Elementwise(.relu), named: "b"))
    }
    var editor = GraphEditor(graph)
    let b = try node("b", editor)
    editor.replace(b, by: editor[b].operator, on: [graph.inputs[0].value])
    let rest = editor.finish()
    #expect(names(rest) == ["b"])
    // The constant is released too: its numbers are gone.
    #expect(
      rest.values.allSatisfy { if case .constant(let tensor) = $0.source { tensor.count == 0 } else { true } })
  }

  @Test func aNodeStaysWhileOneOfItsOutputsIsUsed() throws {
    let graph = try Graph("split") { g in
      let parts = g.input("x", [1, 4, 4, 2]).split(into: 2)
      g.output("y", parts[0].apply(Elementwise(.relu), named: "b"))
      g.output("z", parts[1].apply(Elementwise(.relu), named: "c"))
    }
    var editor = GraphEditor(graph)
    let (b, c) = (try node("b", editor), try node("c", editor))
    let source = try #require(editor.producer(of: editor[b].inputs[0]))
    let slice = Slice([.init(axis: 3, from: 0, to: 1)])
    let first = editor.insert(slice, named: "first", on: [graph.inputs[0].value], before: b)
    editor.replace(b, by: editor[b].operator, on: first)
    #expect(editor.contains(source))
    editor.replace(c, by: editor[c].operator, on: first)
    #expect(!editor.contains(source))
  }

  @Test func redirectingServesReadersAndOutputs() throws {
    let graph = try Graph("redirect") { g in
      let x = g.input("x", [1, 4, 4, 2])
      let a = x.apply(Elementwise(.sigmoid), named: "a")
      g.output("a", a)
      g.output("square", (a * a).apply(Elementwise(.relu), named: "b"))
    }
    var editor = GraphEditor(graph)
    let a = try node("a", editor)
    editor.redirect(editor[a].outputs[0], to: graph.inputs[0].value)
    #expect(!editor.contains(a))
    let rest = editor.finish()
    #expect(rest.outputs[0].value == graph.inputs[0].value)
    #expect(rest.nodes[0].inputs == [graph.inputs[0].value, graph.inputs[0].value])
  }

  @Test func mergedNodesKeepPlaceAndNameAndGiveTheConsumersOutputs() throws {
    var editor = GraphEditor(try chain())
    let (a, b) = (try node("a", editor), try node("b", editor))
    let output = editor[b].outputs
    editor.merge(b, into: a, as: Elementwise(.abs), folding: ["b"])
    let graph = editor.finish()
    #expect(names(graph) == ["a"])
    #expect(graph.nodes[0].outputs == output && graph.nodes[0].foldedNames == ["b"])
  }

  @Test func tappedValuesAreOutputs() throws {
    let graph = try chain()
    var editor = GraphEditor(graph)
    let a = try node("a", editor)
    let value = editor[a].outputs[0]
    #expect(editor.soleProducer(of: value) == a)
    editor.tap(value, as: "inner")
    #expect(editor.soleProducer(of: value) == nil && editor.isResult(value))
    let tapped = editor.finish()
    let x = Tensor.random([1, 4, 4, 2], seed: 2)
    let results = try tapped.compiled(parameters: Parameters(), on: ReferenceBackend()).run(["x": x])
    let expected = NaiveTensor(x.shape.dimensions) { 1 / (1 + exp(-NaiveTensor(x)[$0])) }
    #expect(mismatch(try #require(results["inner"]), expected, Tolerance(absolute: 1e-6)) == nil)
  }

  @Test func plansTellWhatRewritesChanged() throws {
    let graph = try Graph("conv") { g in
      g.output("y", g.input("x", [1, 8, 8, 3]).conv("conv", 4, kernel: 3).batchNorm("bn").relu())
    }
    let changes = try graph.plan().changes
    #expect(
      changes.map(\.description) == [
        "FoldChannelAffine: − bn: BatchNorm",
        "FuseFunction: conv: Convolution 3×3 padding 1 → Convolution 3×3 padding 1 + relu",
        "FuseFunction: − relu: Elementwise relu",
      ])
  }
}
