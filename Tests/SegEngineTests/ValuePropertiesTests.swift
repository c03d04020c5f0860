import TestSupport
import Testing

@testable import SegEngine

/// What is proven of values, against the values themselves.
struct ValuePropertiesTests {
  static let functions: [ElementwiseFunction] = [
    .identity, .relu, .clip(low: -1, high: 2), .relu6, .leakyReLU(slope: 0.1), .leakyReLU(slope: -0.5), .elu(alpha: 1),
    .gelu, .geluTanh, .silu, .hardSigmoid(slope: 0.2, offset: 0.5), .hardSigmoid(slope: -0.2, offset: 0.5), .hardSwish,
    .quantize(step: 0.25, low: -8, high: 7),
    .sigmoid, .tanh, .softplus(beta: 1, threshold: 20), .exp, .log, .sqrt, .abs, .negate, .reciprocal, .erf,
  ]
  static let intervals = [
    ValueRange(-3, 5), ValueRange(0, 1), ValueRange(-8, -0.25), ValueRange(2, 9), ValueRange(-0.5, 0.25),
    ValueRange(0, 0),
  ]

  @Test(arguments: functions) func functionsStayInTheirRange(_ function: ElementwiseFunction) {
    for x in Self.intervals {
      let y = function.range(of: x)
      for step in 0...1000 {
        let value = function(x.lowest + (x.highest - x.lowest) * Double(step) / 1000)
        guard !value.isNaN else { continue }
        #expect(value >= y.lowest - 1e-9 && value <= y.highest + 1e-9, "\(function) of \(x): \(value) outside \(y)")
      }
    }
    // Of everything, what the function has at its ends.
    let all = function.range(of: .everything)
    for value in [-1e30, -50, 0.1, 50, 1e30].map({ function($0) }) where !value.isNaN {
      #expect(value >= all.lowest - 1e-9 && value <= all.highest + 1e-9)
    }
  }

  @Test(arguments: BinaryOperation.allCases) func operationsStayInTheirRange(_ operation: BinaryOperation) {
    for a in Self.intervals {
      for b in Self.intervals + [ValueRange(2, 2)] {
        let range = a.combined(operation, b)
        for i in 0...20 {
          for j in 0...20 {
            let p = a.lowest + (a.highest - a.lowest) * Double(i) / 20
            let value = operation(p, b.lowest + (b.highest - b.lowest) * Double(j) / 20)
            guard value.isFinite else { continue }
            #expect(value >= range.lowest - 1e-9 && value <= range.highest + 1e-9, "\(operation) \(a) \(b): \(value)")
          }
        }
      }
    }
  }

  @Test func sigmoidsAndWhatTellsNoRange() {
    #expect(ElementwiseFunction.sigmoid.range(of: .everything) == .unit)
    #expect(ElementwiseFunction.tanh.range(of: .everything) == ValueRange(-1, 1))
    #expect(ElementwiseFunction.relu.range(of: .everything) == ValueRange(0, .infinity))
    #expect(ValueRange(-1, 1).reciprocal == .everything)
    #expect(ValueRange.everything - ValueRange.everything == .everything)
    #expect(ValueRange(0, 0) * .everything == ValueRange(0))
  }

  /// Everything that is said of every value of a graph holds for what runs compute.
  private func check(
    _ name: String, of shape: Shape = [1, 8, 6, 3], seed: UInt64 = 1, _ body: (Value) -> Value
  ) throws -> ValueProperties {
    let graph = try Graph(name) { g in g.output("y", body(g.input("x", shape))) }
    let axes = zip([AxisRole.batch, .height, .width, .channel], shape.dimensions).map { AxisMeaning($0, $1) }
    let properties = try #require(graph.outputProperties(ofInputs: ["x": ValueProperties(axes: axes)]).first)
    let x = Tensor.random(shape, in: -3...3, seed: seed)
    let y = try #require(try graph.compiled().run(["x": x])["y"])
    let values: [Double] =
      switch y.elementType {
      case .float32: y.elements(of: Float.self).map(Double.init)
      case .uint16: y.elements(of: UInt16.self).map(Double.init)
      case .int32: y.elements(of: Int32.self).map(Double.init)
      case .int64: y.elements(of: Int64.self).map(Double.init)
      case .uint8: y.elements(of: UInt8.self).map(Double.init)
      }
    #expect(
      values.allSatisfy { $0 >= properties.range.lowest - 1e-5 && $0 <= properties.range.highest + 1e-5 },
      "\(name): \(properties.range)")
    if properties.isInteger { #expect(values.allSatisfy { $0 == $0.rounded() }, "\(name)") }
    if let levels = properties.levels { #expect(values.allSatisfy(levels.contains), "\(name)") }
    if let axis = properties.unitSumAxis {
      let order = (0..<y.shape.rank).filter { $0 != axis } + [axis]
      let rows = y.transposed(order)
      rows.withElements(of: Float.self) { rows in
        let count = y.shape[axis]
        for row in 0..<rows.count / count {
          var sum: Float = 0
          for index in 0..<count { sum += rows[row * count + index] }
          #expect(abs(sum - 1) < 1e-5, "\(name)")
        }
      }
    }
    #expect(properties.axes.count == y.shape.rank)
    return properties
  }

  @Test func quotientsBySpansAndSums() throws {
    func stretched(_ x: Value, _ axes: [Int]) -> Value {
      let low = x.reduce(.minimum, axes: axes), high = x.reduce(.maximum, axes: axes)
      return x.combine(.subtract, low, named: "above").combine(
        .divide, high.combine(.subtract, low, named: "span"), named: "q")
    }
    for axes in [[], [1, 2], [3]] {
      #expect(try check("stretched \(axes)") { stretched($0, axes) }.range == .unit)
    }
    let shares = try check("shares") { x in
      let e = x.map(.exp)
      return e.combine(.divide, e.reduce(.sum, axes: [3]), named: "q")
    }
    #expect(shares.range == .unit && shares.unitSumAxis == 3)
    // What is divided by the span of another map is anything.
    let other = try check("other") { x in
      let y = x.map(.exp)
      let span = y.reduce(.maximum, axes: []).combine(.subtract, y.reduce(.minimum, axes: []), named: "span")
      return x.combine(.subtract, x.reduce(.minimum, axes: []), named: "above").combine(.divide, span, named: "q")
    }
    #expect(!other.range.isWithin(.unit, slack: 0.5))
  }

  @Test func distributionsMoveWithTheirAxis() throws {
    #expect(try check("softmax") { $0.softmax(axis: -1) }.unitSumAxis == 3)
    #expect(try check("moved") { $0.softmax(axis: -1).transpose([0, 3, 1, 2]) }.unitSumAxis == 1)
    #expect(
      try check("resized") { $0.softmax(axis: -1).resize(to: Extent2D(height: 16, width: 12), .bilinear) }.unitSumAxis
        == 3)
    #expect(try check("cut") { $0.softmax(axis: -1).slice(axis: 3, from: 0, to: 2) }.unitSumAxis == nil)
    #expect(try check("rows cut") { $0.softmax(axis: -1).slice(axis: 1, from: 0, to: 2) }.unitSumAxis == 3)
    #expect(
      try check("joined") { x in [x.softmax(axis: -1), x.softmax(axis: -1)].concatenated(axis: 3) }.unitSumAxis == nil)
    #expect(try check("flat") { $0.softmax(axis: -1).reshape([1, 48, 3]) }.unitSumAxis == 2)
    // Axes are counted from the end where another operand has more.
    let shares = try check("of higher rank") { x in
      x.graph.constant(Tensor([1, 1, 1, 1], [Float(0)])).combine(
        .add, x.reduce(.mean, axes: [0, 1], keepingAxes: false).softmax(axis: -1), named: "sum")
    }
    #expect(shares.unitSumAxis == 3)
    #expect(
      try check("over pixels") { $0.reshape([1, 48, 3]).softmax(axis: 1).reshape([1, 8, 6, 3]) }.unitSumAxis == nil)
  }

  @Test func labelsAreLabelsUntilTheyAreMixed() throws {
    let labels = try check("argmax") { $0.argmax(axis: -1, keepingAxis: true, elementType: .int32) }
    #expect(labels.isCategorical && labels.levels == [0, 1, 2])
    #expect(
      try check("bilinear", { $0.softmax(axis: -1).resize(to: Extent2D(height: 16, width: 12), .bilinear) })
        .isCategorical == false)
  }

  @Test func axesAreFollowedThroughReshapes() throws {
    func roles(_ name: String, _ body: (Value) -> Value) throws -> [AxisRole?] {
      try check(name, body).axes.map(\.role)
    }
    #expect(try roles("moved") { $0.transpose([0, 3, 1, 2]) } == [.batch, .channel, .height, .width])
    // Of an axis of extent 1 nothing tells what it is once the number of axes has changed.
    #expect(try roles("back") { $0.reshape([1, 48, 3]).reshape([1, 8, 6, 3]) } == [nil, .height, .width, .channel])
    #expect(try roles("dropped") { $0.reshape([8, 6, 3]) } == [.height, .width, .channel])
    #expect(try roles("other factors") { $0.reshape([1, 6, 8, 3]) } == [nil, nil, nil, nil])
    #expect(try roles("cut in two") { $0.reshape([1, 8, 2, 3, 3]) } == [nil, .height, nil, nil, .channel])
    #expect(
      try roles("reduced") { $0.reduce(.mean, axes: [3], keepingAxes: false) } == [.batch, .height, .width])
    #expect(try roles("convolved") { $0.maxPool(kernel: 2, named: "pool") } == [.batch, .height, .width, .channel])
  }
}
