import SegEngine
import TestSupport
import Testing

@testable import SegEngine

/// What quantised networks are computed with: whole numbers in float32.
@Suite struct QuantizationTests {
  @Test func quantizationRoundsTiesToEvenAndSaturates() {
    let x = Tensor([9], [Float(-3), -1.25, -0.75, -0.25, 0.25, 0.75, 1.25, 100, -100])
    let expected = NaiveTensor([9]) { [-2, -1, -1, 0, 0, 1, 1, 3.5, -2][$0[0]] }
    #expect(
      disagreements(
        of: Elementwise(.quantize(step: 0.5, low: -4, high: 7)), [x], with: [expected], .exact, on: everyBackend())
        == [])
  }

  /// Where a function and a quantisation are one function, it gives the numbers of the two.
  @Test func activationsAreComposedWithQuantizations() throws {
    let quantize = ElementwiseFunction.quantize(step: 0.3, low: -5, high: 9)
    let functions: [ElementwiseFunction] = [
      .identity, .relu, .relu6, .clip(low: -1, high: 0.75), .clip(low: -9, high: -4), .clip(low: 4, high: 90),
    ]
    for function in functions {
      let composed = try #require(function.followed(by: quantize))
      for x in stride(from: -4.0, through: 7, by: 0.0125) {
        let (once, twice) = (composed(x), quantize(function(x)))
        #expect(once == twice, "\(function) of \(x): \(once), not \(twice)")
      }
    }
    #expect(ElementwiseFunction.sigmoid.followed(by: quantize) == nil)
    #expect(quantize.followed(by: .relu) == nil)
    #expect(ElementwiseFunction.relu.followed(by: .sigmoid) == nil)
    let graph = try Graph("fused") { builder in
      let x = builder.input("x", [1, 4, 4, 3]).conv("a", 2, kernel: 1).relu().map(quantize)
      builder.output("y", (x + 1).relu().map(quantize))
    }
    let model = try graph.compiled(
      parameters: Parameters(initializing: graph, seed: 1), on: OpenBLASBackend(workers: WorkerPool(threads: 1)))
    #expect(model.stepInfos.count == 2)
  }

  /// A quantisation behind operators that select elements of quantised values is left out, and none that changes a number.
  @Test func repeatedQuantizationsAreRemoved() throws {
    let quantize = ElementwiseFunction.quantize(step: 0.3, low: -5, high: 9)
    func count(comparing: Bool = false, _ body: @escaping (Value) -> Value) throws -> Int {
      let graph = try Graph("repeated") { builder in builder.output("y", body(builder.input("x", [1, 8, 8, 4]))) }
      let model = try graph.compiled(on: OpenBLASBackend(workers: WorkerPool(threads: 1)))
      let plain = try graph.compiled(
        on: ReferenceBackend(workers: WorkerPool(threads: 1)), options: .init(optimizes: false))
      let input = ["x": Tensor.random([1, 8, 8, 4], in: -4...4, seed: 9)]
      if comparing {
        let (result, expected) = (try #require(try model.run(input)["y"]), try #require(try plain.run(input)["y"]))
        #expect(mismatch(result, NaiveTensor(expected), .exact) == nil)
      }
      return model.stepInfos.count { $0.operation.contains("quantize") }
    }
    let removed: [(Value) -> Value] = [
      { $0.maxPool(kernel: 3, stride: 2, padding: 1) }, { $0.resize(by: 2, .nearest) }, { $0.transpose([0, 3, 1, 2]) },
      { $0.relu() }, { $0.slice(axis: 1, from: 1, to: 7).reshape([1, 6, 32]) },
      { $0.concat(with: $0.maxPool(kernel: 1)).split(into: 2)[1] },
    ]
    for (index, body) in removed.enumerated() {
      #expect(try count(comparing: true) { body($0.map(quantize)).map(quantize) } == 1, "case \(index)")
    }
    let kept: [(Value) -> Value] = [
      { $0.averagePool(kernel: 2) }, { $0.resize(by: 2) }, { $0 + 0.1 }, { $0.concat(with: $0 * 0.5) },
    ]
    for (index, body) in kept.enumerated() {
      #expect(try count { body($0.map(quantize)).map(quantize) } == 2, "case \(index)")
    }
    for other in [ElementwiseFunction.quantize(step: 0.2, low: -5, high: 9), .quantize(step: 0.3, low: -5, high: 8)] {
      #expect(try count { $0.map(quantize).maxPool(kernel: 2).map(other) } == 2)
    }
  }

  @Test func numbersAreConverted() {
    let floats = Tensor([8], [Float(0), -1.9, 1.9, 300, -300, .nan, .infinity, 70_000])
    func check(_ x: Tensor, _ type: ElementType, _ values: [Double]) {
      let expected = NaiveTensor([values.count]) { values[$0[0]] }
      #expect(
        disagreements(of: Cast(to: type), [x], with: [expected], .exact, on: everyBackend()) == [], "\(type)")
    }
    check(floats, .uint8, [0, 0, 1, 255, 0, 0, 255, 255])
    check(floats, .uint16, [0, 0, 1, 300, 0, 0, 65535, 65535])
    check(floats, .int32, [0, -1, 1, 300, -300, 0, Double(Int32.max), 70_000])
    let wide = Tensor([4], [Int64(1 << 24 + 1), -5, 256, .min])
    check(wide, .float32, [0x1p24, -5, 256, -0x1p63])
    check(wide, .uint8, [255, 0, 255, 0])
    check(wide, .int32, [Double(1 << 24 + 1), -5, 256, Double(Int32.min)])
  }

  @Test func sumsOfWholeNumbersAreRoundedOnce() {
    // 2²⁴ + 1 + 1 + 1 is 2²⁴ where each sum is rounded, and 2²⁴ + 4 where the sum is.
    let parts = [Float(0x1p24), 1, 1, 1].map { Tensor([3000], repeating: $0) }
    let sum = NaiveTensor([3000]) { _ in 0x1p24 + 4 }
    #expect(disagreements(of: IntegerSum(), parts, with: [sum], .exact, on: everyBackend()) == [])
    let whole = NaiveTensor([3000]) { _ in 0x1p24 + 3 }
    #expect(
      disagreements(of: IntegerSum(elementType: .int32), parts, with: [whole], .exact, on: everyBackend()) == [])
  }

  @Test func dynamicQuantizationFollowsTheValues() {
    func check(_ x: Tensor) {
      let values = x.elements(of: Float.self)
      let (low, high) = (min(0, values.min()!), max(0, values.max()!))
      let scale = high > low ? (high - low) / 255 : 1
      let zero = (-low / scale).rounded(.toNearestOrEven)
      let numbers = NaiveTensor(x.shape.dimensions) { index in
        let value = values[index.reduce(0) { $0 * x.shape[index.count - 1] + $1 }]
        return Double(min(max((value / scale).rounded(.toNearestOrEven) + zero, 0), 255) - zero)
      }
      #expect(
        disagreements(
          of: DynamicQuantization(), [x],
          with: [numbers, NaiveTensor([]) { _ in Double(scale) }, NaiveTensor([]) { _ in Double(zero) }], .exact,
          on: everyBackend()) == [])
    }
    check(.random([20_011], in: -3...5, seed: 1))
    check(.random([37], in: 2...5, seed: 2))
    check(.random([37], in: -5 ... -2, seed: 3))
    check(Tensor(zeros: [5]))
  }

  /// The sums of an exact convolution are those of the integers, whichever algorithm is the fastest otherwise.
  @Test func exactConvolutionsSumWholeNumbers() throws {
    var generator = SeededGenerator(seed: 6)
    func whole(_ shape: Shape, _ range: ClosedRange<Int>) -> Tensor {
      Tensor(shape, (0..<shape.elementCount).map { _ in Float(Int.random(in: range, using: &generator)) })
    }
    for (size, inputs, outputs, kernel) in [(24, 56, 32, 3), (16, 256, 64, 1)] {
      let x = whole([1, size, size, inputs], 0...255)
      let weight = whole([outputs, inputs, kernel, kernel], -127...127)
      let geometry = ConvolutionGeometry(kernel: Extent2D(kernel), padding: Padding2D(kernel / 2))
      let expected = NaiveConvolution.forward(x, weight, bias: nil, geometry)
      #expect(try #require(expected.magnitudes.max()) < 0x1p24)
      let graph = try Graph("exact") { builder in
        builder.output(
          "y",
          builder.input("x", x.shape).apply(
            Convolution(geometry, exactly: true), named: "y", with: [builder.constant(weight)]))
      }
      for (name, backend) in everyBackend() {
        let model = try graph.compiled(on: backend)
        let algorithm = model.stepInfos[0].algorithm
        #expect(!ConvolutionMethod.isWinograd(named: algorithm) && !algorithm.contains("strassen"))
        let y = try #require(try model.run(["x": x])["y"]).elements(of: Float.self)
        #expect(y.map(Double.init) == expected.values, "\(name)")
      }
    }
  }

  /// A scale behind an exact convolution is not folded into its weights.
  @Test func exactConvolutionsTakeNoScale() throws {
    let graph = try Graph("scaled") { builder in
      let x = builder.input("x", [1, 4, 4, 3])
      let sum = x.apply(
        Convolution(.init(kernel: 1), exactly: true), named: "sum",
        with: [builder.constant(Tensor([2, 3, 1, 1], repeating: Float(10)))])
      builder.output("y", (sum * 0.1).map(.quantize(step: 1, low: 0, high: 255)))
    }
    let model = try graph.compiled(on: OpenBLASBackend(workers: WorkerPool(threads: 1)))
    #expect(model.stepInfos.count == 2)
    let y = try #require(try model.run(["x": Tensor([1, 4, 4, 3], repeating: Float(0.5))])["y"])
    // 0.5 · 10 · 3 = 15, times 0.1 is 1.5, which becomes 2.
    #expect(y.elements(of: Float.self) == [Float](repeating: 2, count: 32))
  }
}
