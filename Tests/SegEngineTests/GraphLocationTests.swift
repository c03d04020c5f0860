import Foundation
import Testing

@testable import SegEngine

/// What the errors of building a graph say of the place where it was built.
@Suite struct GraphLocationTests {
  /// Values that next to nothing takes: `x` is a feature map, `n` one of whole numbers, `v` a vector of three.
  struct Operands {
    let g: GraphBuilder
    let x: Value
    let n: Value
    let v: Value
    let s: Value
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let line: Int
    let body: @Sendable (Operands) -> Void

    /// `body` is to stand in the line of the call.
    init(_ name: String, line: Int = #line, _ body: @escaping @Sendable (Operands) -> Void) {
      (self.name, self.line, self.body) = (name, line, body)
    }

    var testDescription: String { "\(name), line \(line)" }
  }

  static let cases: [Case] = [
    Case("input") { _ = $0.g.input("x", [1]) },
    Case("parameter") { _ = $0.g.parameter("taken", [9], initializer: .constant(0)) },
    Case("output") { $0.g.output("first", $0.x) },
    Case("add") { _ = $0.g.add(Elementwise(.relu), named: "a", to: [$0.n]) },
    Case("apply") { _ = $0.n.apply(Elementwise(.relu), named: "a") },
    Case("adaptiveAveragePool") { _ = $0.n.adaptiveAveragePool(to: 2) },
    Case("adaptiveMaxPool") { _ = $0.n.adaptiveMaxPool(to: 2) },
    Case("argmax") { _ = $0.x.argmax(axis: 7) },
    Case("attention") { _ = $0.x.attention(keys: $0.x, values: $0.v, heads: 5) },
    Case("averagePool") { _ = $0.n.averagePool(kernel: 2) },
    Case("batchNorm") { _ = $0.n.batchNorm("a") },
    Case("batchNorm") { _ = $0.v.batchNorm("taken.norm") },
    Case("broadcast") { _ = $0.x.broadcast(to: [7]) },
    Case("broadcast") { _ = $0.x.broadcast(like: $0.v) },
    Case("broadcast") { _ = $0.x.broadcast(spatiallyLike: $0.v) },
    Case("broadcast") { _ = $0.g.input("two", [2, 9]).broadcast(batchLike: $0.v) },
    Case("combine") { _ = $0.x.combine(.add, $0.v) },
    Case("concat") { _ = $0.x.concat(with: $0.v) },
    Case("concat") { _ = $0.x.concat(with: [$0.v, $0.v]) },
    Case("concatenated") { _ = [$0.x, $0.v].concatenated() },
    Case("conv") { _ = $0.n.conv("a", 4, kernel: 3) },
    Case("conv") { _ = $0.x.conv("taken.conv", 9, kernel: 1) },
    Case("crop") { _ = $0.x.crop(like: $0.v) },
    Case("deformableConv") { _ = $0.x.deformableConv("a", 4, kernel: 3, offset: $0.v) },
    Case("deformableConv") { _ = $0.x.deformableConv("taken.conv", 9, kernel: 1, offset: $0.x) },
    Case("featureMap") { _ = $0.x.featureMap(like: $0.v) },
    Case("flatten") { _ = $0.x.flatten(from: 3, to: 9) },
    Case("gelu") { _ = $0.n.gelu() },
    Case("globalAveragePool") { _ = $0.n.globalAveragePool() },
    Case("globalMaxPool") { _ = $0.n.globalMaxPool() },
    Case("groupNorm") { _ = $0.x.groupNorm("a", groups: 7) },
    Case("groupNorm") { _ = $0.v.groupNorm("taken.norm", groups: 1) },
    Case("hardSwish") { _ = $0.n.hardSwish() },
    Case("instanceNorm") { _ = $0.n.instanceNorm("a") },
    Case("instanceNorm") { _ = $0.v.instanceNorm("taken.norm", affine: true) },
    Case("layerNorm") { _ = $0.n.layerNorm("a") },
    Case("layerNorm") { _ = $0.v.layerNorm("taken.norm") },
    Case("linear") { _ = $0.n.linear("a", 4) },
    Case("linear") { _ = $0.x.linear("taken.conv", 9) },
    Case("logSoftmax") { _ = $0.x.logSoftmax(axis: 7) },
    Case("map") { _ = $0.n.map(.tanh) },
    Case("matmul") { _ = $0.x.matmul($0.n) },
    Case("maxPool") { _ = $0.n.maxPool(kernel: 2) },
    Case("maxPoolWithIndices") { _ = $0.n.maxPoolWithIndices(kernel: 2) },
    Case("maxUnpool") { _ = $0.x.maxUnpool($0.x, to: 8) },
    Case("maxUnpool") { _ = $0.x.maxUnpool($0.x, like: $0.x) },
    Case("maxUnpool") { _ = $0.x.maxUnpool($0.x, kernel: 2) },
    Case("maximum") { _ = $0.x.maximum($0.v) },
    Case("maximum") { _ = $0.n.maximum(2) },
    Case("mean") { _ = $0.x.mean(axes: [7]) },
    Case("minimum") { _ = $0.x.minimum($0.v) },
    Case("minimum") { _ = $0.n.minimum(2) },
    Case("pad") { _ = $0.v.pad(Padding2D(1)) },
    Case("pad") { _ = $0.v.pad([Pad.Amount(axis: 4, before: 1, after: 1)]) },
    Case("pad") { _ = $0.x.pad(like: $0.v) },
    Case("pixelShuffle") { _ = $0.x.pixelShuffle(7) },
    Case("pixelUnshuffle") { _ = $0.x.pixelUnshuffle(7) },
    Case("power") { _ = $0.x.power($0.v) },
    Case("power") { _ = $0.n.power(2) },
    Case("prelu") { _ = $0.n.prelu("a") },
    Case("prelu") { _ = $0.x.prelu("taken.conv", perChannel: true) },
    Case("reduce") { _ = $0.x.reduce(.sum, axes: [7]) },
    Case("relu") { _ = $0.n.relu() },
    Case("relu6") { _ = $0.n.relu6() },
    Case("reshape") { _ = $0.x.reshape([7, 7]) },
    Case("resize") { _ = $0.n.resize(to: 8) },
    Case("resize") { _ = $0.n.resize(like: $0.x) },
    Case("resize") { _ = $0.n.resize(by: 2) },
    Case("sigmoid") { _ = $0.n.sigmoid() },
    Case("silu") { _ = $0.n.silu() },
    Case("dropout") { _ = $0.n.dropout(rate: 0.1) },
    Case("stochasticDepth") { _ = $0.n.stochasticDepth(rate: 0.1) },
    Case("slice") { _ = $0.x.slice(axis: 7, from: 0, to: 1) },
    Case("slice") { _ = $0.x.slice([Slice.Range(axis: 7, from: 0, to: 1)]) },
    Case("softmax") { _ = $0.x.softmax(axis: 7) },
    Case("split") { _ = $0.x.split(sizes: [7, 7]) },
    Case("split") { _ = $0.x.split(into: 7) },
    Case("threshold") { _ = $0.x.threshold(at: $0.v) },
    Case("tokens") { _ = $0.v.tokens() },
    Case("transpose") { _ = $0.x.transpose([0, 1]) },
    Case("transposedConv") { _ = $0.n.transposedConv("a", 4, kernel: 2) },
    Case("transposedConv") { _ = $0.x.transposedConv("taken.conv", 9, kernel: 1) },
    Case("update") { $0.g.update($0.s, to: $0.x) },
    Case("variable") { _ = $0.g.variable("s", initially: Tensor(zeros: [3])) },
  ]

  /// The error of building, where `body` is what does not fit.
  private func failure(_ body: (Operands) -> Void) -> GraphError? {
    do {
      _ = try Graph("broken") { g in
        let operands = Operands(
          g: g, x: g.input("x", [1, 4, 4, 2]), n: g.input("n", [1, 4, 4, 2], of: .int64), v: g.input("v", [3]),
          s: g.variable("s", initially: Tensor(zeros: [3])))
        _ = g.parameter("taken", [3], initializer: .constant(0))
        for name in ["taken.norm.weight", "taken.norm.bias"] { _ = g.parameter(name, [7], initializer: .constant(0)) }
        for name in ["taken.conv.weight", "taken.conv.bias"] { _ = g.parameter(name, [7], initializer: .constant(0)) }
        g.output("first", operands.x)
        body(operands)
      }
      return nil
    } catch {
      return error
    }
  }

  /// Whatever is called, the error names the line that called it.
  @Test(arguments: cases) func theLineIsTheCallers(_ test: Case) throws {
    let message = "\(try #require(failure(test.body)))"
    #expect(message.hasSuffix("(\(#fileID):\(test.line))"), "\(message)")
  }

  /// No public function that adds to a graph is left out above, but those that take whatever they are given.
  @Test func everyFunctionIsCalled() throws {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/SegEngine")
    let regions = [
      "extension Value {", "extension [Value] {", "public struct Value {", "public final class GraphBuilder {",
      "extension GraphBuilder {",
    ]
    var found: [String: Int] = [:]
    for folder in ["Operators", "Graph"] {
      let folder = sources.appending(path: folder)
      for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) where file.hasSuffix(".swift") {
        var isInside = false
        for line in try String(contentsOf: folder.appending(path: file), encoding: .utf8).split(separator: "\n") {
          if regions.contains(String(line)) { isInside = true }
          if line == "}" { isInside = false }
          guard isInside, line.hasPrefix("  public func ") else { continue }
          let name = line.dropFirst("  public func ".count).prefix { $0.isLetter || $0.isNumber }
          found[String(name), default: 0] += 1
        }
      }
    }
    for name in ["constant", "ignoredCheckpointKey", "scope"] { found[name] = nil }
    let called = Dictionary(grouping: Self.cases, by: \.name).mapValues(\.count)
    #expect(Set(called.keys) == Set(found.keys))
    for (name, count) in found { #expect(called[name] ?? 0 >= count, "\(name) has \(count) forms") }
  }

  /// The function of a sign is not told its caller's line: the error names the operands and the lines that added them.
  @Test func signsNameTheirOperands() throws {
    let line = #line + 2
    let bodies: [(Operands) -> Value] = [
      { $0.x.maxPool(kernel: 2) + $0.v }, { $0.x.maxPool(kernel: 2) - $0.v }, { $0.x.maxPool(kernel: 2) * $0.v },
      { $0.x.maxPool(kernel: 2) / $0.v },
    ]
    for (body, name) in zip(bodies, ["add", "subtract", "multiply", "divide"]) {
      let error = try #require(failure { operands in operands.g.scope("head") { _ = body(operands) } })
      let place = "\(#fileID):\(name == "divide" ? line + 1 : line)"
      #expect(
        "\(error)" == "head.\(name): Binary: \(name): [1, 2, 2, 2] and [3] do not broadcast to one shape "
          + "(operands: head.maxPool at \(place), input v)")
    }
    let numbers: [(Operands) -> Value] = [
      { $0.n + 1 }, { $0.n - 1 }, { $0.n * 2 }, { $0.n / 2 }, { 1 + $0.n }, { 1 - $0.n }, { 2 * $0.n }, { 2 / $0.n },
    ]
    for (index, body) in numbers.enumerated() {
      let message = "\(try #require(failure { _ = body($0) }))"
      #expect(
        message.hasSuffix(index < 4 ? "(operands: input n, a constant)" : "(operands: a constant, input n)"),
        "\(message)")
    }
  }

  /// The line is known still where operands do not fit for other sizes alone.
  @Test func otherSizesNameTheLineToo() throws {
    let line = #line + 3
    let graph = try Graph("halves") { g in
      let x = g.input("x", [1, 4, 4, 2])
      let halves = x.split(sizes: [2, 2], axis: 1)
      g.output("y", halves[0] + halves[1].resize(to: Extent2D(height: 2, width: 4)))
    }
    func message(_ shape: Shape) -> String {
      do {
        _ = try graph.compiled(for: ["x": shape])
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(message([1, 6, 4, 2]).hasSuffix("(\(#fileID):\(line))"), "\(message([1, 6, 4, 2]))")
    #expect(
      message([1, 4, 5, 2]).hasSuffix(
        "(operands: split at \(#fileID):\(line), resize at \(#fileID):\(line + 1))"), "\(message([1, 4, 5, 2]))")
  }
}
