import TestSupport
import Testing

@testable import SegEngine

@Suite struct GraphTests {
  /// The message of what building throws.
  private func failure(_ body: (GraphBuilder) throws -> Void) -> String {
    do {
      _ = try Graph("broken", body)
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test func theFirstMistakeNamesShapesAndLine() {
    let line = #line + 5
    let message = failure { graph in
      let x = graph.input("image", [1, 8, 8, 3])
      let small = x.maxPool(kernel: 2)
      // The second mistake follows from the first and is not reported.
      let sum = graph.scope("decoder") { x.combine(.add, small, named: "skip") }
      graph.output("y", sum.concat(with: small.maxPool(kernel: 100)))
    }
    #expect(
      message.hasPrefix("decoder.skip: Binary: add: [1, 8, 8, 3] and [1, 4, 4, 3] do not broadcast to one shape"))
    #expect(message.contains("GraphTests.swift:\(line)"))
  }

  @Test func namesAreUnique() throws {
    #expect(
      failure {
        let x = $0.input("x", [1])
        _ = $0.input("x", [2])
        $0.output("y", x)
      }.hasPrefix("two values of the graph are named x (SegEngineTests/GraphTests.swift:"))
    #expect(
      failure {
        let x = $0.input("x", [1])
        $0.output("y", x)
        $0.output("y", x)
      }.hasPrefix("two values of the graph are named y (SegEngineTests/GraphTests.swift:"))
    #expect(failure { _ = $0.input("x", [1]) } == "the graph broken has no outputs")
    #expect(
      failure {
        let x = $0.input("x", [1, 4])
        let a = x.linear("layer", 3)
        let b = x.linear("layer", 5)
        $0.output("y", a.concat(with: b))
      }.hasPrefix("parameter layer.weight is used as [3, 4] and as [5, 4] (SegEngineTests/GraphTests.swift:"))
    let graph = try Graph("nodes") {
      let x = $0.input("x", [1, 4])
      $0.output("y", x.relu().relu().relu())
    }
    #expect(graph.nodes.map(\.name) == ["relu", "relu#2", "relu#3"])
  }

  @Test func parametersAreSharedByName() throws {
    let graph = try Graph("tied") {
      let x = $0.input("x", [2, 4])
      $0.output("y", x.linear("layer", 4).linear("layer", 4))
    }
    #expect(graph.parameters.map(\.name) == ["layer.weight", "layer.bias"])
    var parameters = Parameters(initializing: graph, seed: 1)
    parameters["extra"] = Tensor(scalar: Float(1))
    parameters["layer.bias"] = nil
    parameters["layer.weight"] = Tensor(zeros: [4, 3])
    do {
      try parameters.validate(for: graph)
      Issue.record("the weights are wrong")
    } catch {
      #expect(
        "\(error)"
          == "the weights are not those of tied: missing layer.bias; unused extra; of another shape layer.weight "
          + "(float32 [4, 3], expected float32 [4, 4])")
    }
  }

  /// No size of the input with which a graph was built is left in it.
  @Test func otherInputSizes() throws {
    let graph = try Graph("pyramid") { graph in
      let x = graph.input("x", [1, 16, 16, 4])
      let pooled = x.maxPoolWithIndices(kernel: 2)
      let tokens = pooled.values.tokens()
      let map = tokens.attention(keys: tokens, values: tokens, heads: 2).featureMap(like: pooled.values)
      let up = map.resize(like: x)
      let unpooled = map.maxUnpool(pooled.indices, like: x)
      let context = x.globalAveragePool().broadcast(spatiallyLike: x)
      let bins = x.adaptiveAveragePool(to: 3).resize(like: x, .bicubic, coordinates: .alignCorners)
      let heads = x.reshape([0, -1, 2, 2]).transpose([0, 2, 1, 3]).reshape([0, 0, -1]).softmax()
        .reshape([0, -1, 4]).featureMap(like: x)
      graph.output("y", [up, unpooled, context, bins, heads].concatenated())
      graph.output("labels", up.argmax())
      graph.output("cropped", x.crop(like: pooled.values).pixelUnshuffle(2).pixelShuffle(2))
    }
    for shape in [[1, 16, 16, 4], [2, 8, 12, 4], [1, 20, 8, 4]] as [Shape] {
      let specs = try graph.specs(forInputs: ["x": shape])
      let (h, w) = (shape.height, shape.width)
      #expect(
        graph.outputs.map { specs[$0.value.index] } == [
          TensorSpec([shape.batch, h, w, 20]), TensorSpec([shape.batch, h, w], .int64),
          TensorSpec([shape.batch, h / 2, w / 2, 4]),
        ])
      let model = try graph.compiled(for: ["x": shape])
      let y = try model.run(["x": .random(shape)])
      #expect(y["y"]?.shape == [shape.batch, h, w, 20])
      // Nothing undefined is left in the output.
      #expect(y["y"]?.elements(of: Float.self).allSatisfy(\.isFinite) == true)
    }
    #expect(throws: GraphError.self) { try graph.specs(forInputs: ["x": [1, 16, 16, 5]]) }
    do {
      _ = try graph.specs(forInputs: ["z": [1]])
      Issue.record("there is no input z")
    } catch {
      #expect("\(error)" == "the graph has no input z; it has x")
    }
  }

  @Test func runsNameWhatIsWrong() throws {
    let graph = try Graph("net") {
      let x = $0.input("x", [1, 4, 4, 2])
      $0.output("y", x.relu())
    }
    let model = try graph.compiled()
    func message(_ inputs: [String: Tensor]) -> String {
      do {
        _ = try model.run(inputs)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(message([:]) == "input x of float32 [1, 4, 4, 2] is missing")
    #expect(
      message(["x": Tensor(zeros: [1, 4, 5, 2])]) == "input x is float32 [1, 4, 5, 2], expected float32 [1, 4, 4, 2]")
    #expect(
      message(["x": Tensor(zeros: [1, 4, 4, 2]), "q": Tensor(zeros: [])]) == "the graph has no input q; it has x")
    #expect(message(["x": Tensor(zeros: [1, 4, 4, 2])]) == "")
  }

  @Test func operatorsOfValues() throws {
    let graph = try Graph("arithmetic") {
      let x = $0.input("x", [3])
      $0.output("a", (1 - x * 2) / 4 + x / x - 0.5)
      $0.output("b", (2 / x).power(2).maximum(5).minimum(20))
      $0.output("c", x.maximum(2 + 0 * x).minimum(3 * x).power(x))
    }
    let y = try graph.compiled().run(["x": Tensor([3], [1, 2, 4] as [Float])])
    #expect(y["a"]?.elements() == [0.25, -0.25, -1.25] as [Float])
    #expect(y["b"]?.elements() == [5, 5, 5] as [Float])
    #expect(y["c"]?.elements() == [2, 4, 256] as [Float])
  }
}
