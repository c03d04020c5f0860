import SegEngine
import TestSupport
import Testing

@testable import SegEngine

@Suite struct DeformableConvolutionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var geometry: ConvolutionGeometry
    var inputs = 4
    var outputs = 6
    var offsetGroups = 1
    var isModulated = false
    var hasBias = true
    var batch = 1
    var size = Extent2D(height: 7, width: 9)
    /// The largest offset in pixels.
    var reach: Float = 3

    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "plain", geometry: .init(kernel: 3, padding: 1)),
    Case(name: "modulated", geometry: .init(kernel: 3, padding: 1), isModulated: true, batch: 2),
    Case(name: "strided", geometry: .init(kernel: 3, stride: 2, padding: 1), inputs: 5, hasBias: false),
    Case(
      name: "atrous", geometry: .init(kernel: Extent2D(height: 2, width: 3), dilation: 2, padding: 2), isModulated: true
    ),
    Case(name: "groups", geometry: .init(kernel: 3, padding: 1, groups: 2), inputs: 8, offsetGroups: 4),
    Case(
      name: "more groups than offset groups", geometry: .init(kernel: 3, padding: 1, groups: 6), inputs: 12,
      outputs: 12,
      offsetGroups: 4, isModulated: true),
    Case(name: "far outside", geometry: .init(kernel: 3, padding: 1), reach: 40),
    Case(
      name: "several tiles", geometry: .init(kernel: 3, padding: 1), inputs: 19, outputs: 17, isModulated: true,
      size: Extent2D(height: 23, width: 31)),
    Case(name: "wide", geometry: .init(kernel: 1), inputs: 64, outputs: 3, size: Extent2D(height: 3, width: 40)),
  ]

  private func tensors(_ test: Case) -> (inputs: [Tensor], bias: Tensor?, mask: Tensor?) {
    let g = test.geometry
    let size = g.outputSize(of: test.size)
    let taps = g.kernel.height * g.kernel.width
    let x = Tensor.random([test.batch, test.size.height, test.size.width, test.inputs], seed: 1)
    let weight = Tensor.random([test.outputs, test.inputs / g.groups, g.kernel.height, g.kernel.width], seed: 2)
    let offset = Tensor.random(
      [test.batch, size.height, size.width, 2 * taps * test.offsetGroups], in: -test.reach...test.reach, seed: 3)
    let mask =
      test.isModulated
      ? Tensor.random([test.batch, size.height, size.width, taps * test.offsetGroups], in: 0...1, seed: 4) : nil
    return ([x, weight, offset], test.hasBias ? Tensor.random([test.outputs], seed: 5) : nil, mask)
  }

  @Test(arguments: cases) func agreesWithTheDefinition(test: Case) {
    let (inputs, bias, mask) = tensors(test)
    let expected = NaiveConvolution.deformable(
      inputs[0], inputs[1], offset: inputs[2], mask: mask, bias: bias, test.geometry, offsetGroups: test.offsetGroups)
    var naive = NaiveTensor(expected.shape.dimensions) { _ in 0 }
    naive.values = expected.values
    let largest = expected.magnitudes.max() ?? 0
    let operands = inputs + (mask.map { [$0] } ?? []) + (bias.map { [$0] } ?? [])
    let convolution = DeformableConvolution(
      test.geometry, offsetGroups: test.offsetGroups, modulated: test.isModulated)
    // The places are rounded to float32: 2⁻²⁴ of up to fifty pixels, times the slope between two pixels.
    let tolerance = Tolerance(absolute: 1e-5 * largest)
    for constants: Set<Int> in [[], [1]] {
      #expect(
        disagreements(of: convolution, operands, constants: constants, with: [naive], tolerance, on: everyBackend())
          == [])
    }
  }

  @Test func withoutOffsetsItIsAConvolution() throws {
    let geometry = ConvolutionGeometry(kernel: 3, stride: 2, padding: 1, groups: 2)
    let (x, weight) = (Tensor.random([1, 9, 8, 4], seed: 1), Tensor.random([6, 2, 3, 3], seed: 2))
    let expected = NaiveConvolution.forward(x, weight, bias: nil, geometry)
    var naive = NaiveTensor(expected.shape.dimensions) { _ in 0 }
    naive.values = expected.values
    let offset = Tensor(zeros: [1, expected.shape.height, expected.shape.width, 18])
    #expect(
      disagreements(
        of: DeformableConvolution(geometry), [x, weight, offset], with: [naive], Tolerance(absolute: 1e-5),
        on: everyBackend()) == [])
  }

  @Test func offsetsThatAreNoNumbersReadNothing() {
    let x = Tensor([1, 3, 3, 2], repeating: Float(1))
    let weight = Tensor([1, 2, 1, 1], repeating: Float(1))
    var offset = Tensor(zeros: [1, 3, 3, 2])
    offset[0, 0, 0, 0] = Float.nan
    offset[0, 1, 1, 1] = Float.infinity
    offset[0, 2, 2, 0] = -Float.greatestFiniteMagnitude
    var expected = NaiveTensor([1, 3, 3, 1]) { _ in 2 }
    for index in [[0, 0, 0, 0], [0, 1, 1, 0], [0, 2, 2, 0]] { expected[index] = 0 }
    #expect(
      disagreements(
        of: DeformableConvolution(.init(kernel: 1)), [x, weight, offset], with: [expected], .exact, on: everyBackend())
        == [])
  }

  @Test func operandsThatDoNotFitAreNamed() {
    let op = DeformableConvolution(.init(kernel: 3, padding: 1), offsetGroups: 2, modulated: true)
    let (x, weight) = (TensorSpec([1, 8, 8, 4]), TensorSpec([6, 4, 3, 3]))
    func error(_ offset: Shape, _ mask: Shape) -> String? {
      shapeError(op, [x, weight, TensorSpec(offset), TensorSpec(mask)])
    }
    #expect(error([1, 8, 8, 36], [1, 8, 8, 18]) == nil)
    #expect(error([1, 8, 8, 18], [1, 8, 8, 18])?.contains("the offset of an output [1, 8, 8, 6]") == true)
    #expect(error([1, 8, 8, 36], [1, 8, 7, 18])?.contains("the mask of an output [1, 8, 8, 6]") == true)
    let odd = DeformableConvolution(.init(kernel: 3, padding: 1), offsetGroups: 3)
    #expect(
      shapeError(odd, [x, weight, TensorSpec([1, 8, 8, 54])])
        == "DeformableConvolution: 3 offset groups do not fit the 4 channels of [1, 8, 8, 4]")
  }

  @Test func aFunctionIsFusedAndItsFieldIsUnbounded() throws {
    let graph = try Graph("deformed") { graph in
      let x = graph.input("x", [1, 12, 10, 4])
      let offset = x.conv("offset", 18, kernel: 3)
      let mask = x.conv("mask", 9, kernel: 3).sigmoid()
      graph.output("y", x.deformableConv("deformed", 5, kernel: 3, offset: offset, mask: mask).relu())
    }
    #expect(graph.parameters.map(\.name).suffix(2) == ["deformed.weight", "deformed.bias"])
    let parameters = Parameters(initializing: graph, seed: 3)
    let model = try graph.compiled(parameters: parameters, on: OpenBLASBackend(workers: WorkerPool(threads: 2)))
    #expect(model.stepInfos.contains { $0.operation.contains("DeformableConvolution") })
    #expect(!model.stepInfos.contains { $0.operation.hasPrefix("Elementwise relu") })
    let input = ["x": Tensor.random([1, 12, 10, 4], seed: 4)]
    let reference = try graph.compiled(
      parameters: parameters, on: ReferenceBackend(workers: WorkerPool(threads: 1)), options: .init(optimizes: false))
    let expected = try #require(try reference.run(input)["y"])
    #expect(mismatch(try #require(try model.run(input)["y"]), NaiveTensor(expected), Tolerance(absolute: 1e-5)) == nil)
    let op = DeformableConvolution(.init(kernel: 3, padding: 1))
    let specs = [TensorSpec([1, 12, 10, 4]), TensorSpec([5, 4, 3, 3]), TensorSpec([1, 12, 10, 18])]
    guard
      case .axes(let height, let width) = op.reach(ofInput: 0, inputs: specs, outputs: [TensorSpec([1, 12, 10, 5])])
    else {
      Issue.record("it reads nothing")
      return
    }
    #expect("\(height)" == "\(AxisReach.all(of: 12))" && "\(width)" == "\(AxisReach.all(of: 10))")
  }

  @Test func costsCountProductsAndInterpolations() {
    let op = DeformableConvolution(.init(kernel: 3, padding: 1), modulated: true)
    let inputs = [
      TensorSpec([1, 8, 8, 4]), TensorSpec([6, 4, 3, 3]), TensorSpec([1, 8, 8, 18]), TensorSpec([1, 8, 8, 9]),
    ]
    let cost = op.cost(inputs: inputs, outputs: [TensorSpec([1, 8, 8, 6])])
    #expect(cost.macs == 64 * 6 * 4 * 9)
    #expect(cost.otherOperations == 64 * 9 * (7 * 4 + 16))
    #expect(cost.parameters == 6 * 4 * 9)
  }
}
