import SegEngine
import Testing

@testable import SegONNX

/// Convolution, its transposition and pooling over three spatial axes, against their definitions in Double loops.
@Suite struct VolumeTests {
  /// A window, with its padding before and behind each axis.
  struct Window: Sendable, CustomTestStringConvertible {
    var kernel: [Int]
    var strides = [1, 1, 1]
    var dilations = [1, 1, 1]
    var before = [0, 0, 0]
    var after = [0, 0, 0]
    var groups = 1

    var testDescription: String {
      "\(kernel) strides \(strides) dilations \(dilations) pads \(before) \(after) groups \(groups)"
    }

    var attributes: [String: ONNXAttributes.Value] {
      [
        "kernel_shape": .ints(kernel), "strides": .ints(strides), "dilations": .ints(dilations),
        "pads": .ints(before + after),
      ]
    }
  }

  static let windows = [
    Window(kernel: [2, 3, 2]), Window(kernel: [3, 1, 2], strides: [2, 1, 3]),
    Window(kernel: [2, 2, 2], dilations: [2, 1, 2]),
    Window(kernel: [3, 2, 3], strides: [2, 2, 1], before: [1, 0, 2], after: [2, 1, 0]),
    Window(
      kernel: [2, 2, 1], strides: [1, 2, 2], dilations: [3, 2, 1], before: [1, 1, 0], after: [0, 1, 0], groups: 2),
    Window(kernel: [1, 2, 2], strides: [3, 1, 1], groups: 4),
  ]

  private static let image = [6, 7, 8]
  private static let (batch, channels) = (2, 4)

  private static func tensor(_ shape: [Int], seed: UInt64) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor(
      Shape(shape), (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &generator) })
  }

  private static func place(_ index: [Int], _ shape: [Int]) -> Int { zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 } }

  /// Every index of a shape.
  private static func indices(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { indices, extent in indices.flatMap { index in (0..<extent).map { index + [$0] } } }
  }

  private static func evaluate(
    _ kind: String, _ attributes: [String: ONNXAttributes.Value], _ inputs: [Tensor]
  ) throws -> Tensor {
    let node = ONNXNode(
      name: "n", kind: kind, domain: "", opset: 19, inputs: inputs.indices.map { "i\($0)" }, outputs: ["o"],
      attributes: ONNXAttributes(attributes))
    return try ONNXEvaluator.evaluate(node, inputs.map { ONNXConstant(.float, $0) })[0].tensor
  }

  private static func expectEqual(_ result: Tensor, _ expected: [Double], _ shape: [Int]) {
    #expect(result.shape.dimensions == shape)
    guard result.shape.dimensions == shape else { return }
    // Sums of at most 100 products of numbers up to 1, added in float32.
    for (a, b) in zip(result.elements(of: Float.self), expected) { #expect(abs(Double(a) - b) < 1e-5) }
  }

  private static func counts(_ window: Window) -> [Int] {
    (0..<3).map { axis in
      let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
      return (image[axis] + window.before[axis] + window.after[axis] - reach) / window.strides[axis] + 1
    }
  }

  /// The element of the image under a tap of a window; `nil` in the padding.
  private static func source(_ window: Window, _ position: [Int], _ tap: [Int]) -> [Int]? {
    let index = (0..<3).map { position[$0] * window.strides[$0] + tap[$0] * window.dilations[$0] - window.before[$0] }
    return zip(index, image).allSatisfy { $0 >= 0 && $0 < $1 } ? index : nil
  }

  @Test(arguments: windows) func convolution(_ window: Window) throws {
    let (outputs, depth) = (8, Self.channels / window.groups)
    let x = Self.tensor([Self.batch, Self.channels] + Self.image, seed: 1)
    let weights = Self.tensor([outputs, depth] + window.kernel, seed: 2)
    let bias = Self.tensor([outputs], seed: 3)
    let (input, factors, offsets) = (
      x.elements(of: Float.self), weights.elements(of: Float.self), bias.elements(of: Float.self)
    )
    let shape = [Self.batch, outputs] + Self.counts(window)
    let expected = Self.indices(shape).map { index -> Double in
      let group = index[1] / (outputs / window.groups)
      var sum = Double(offsets[index[1]])
      for channel in 0..<depth {
        for tap in Self.indices(window.kernel) {
          guard let source = Self.source(window, Array(index[2...]), tap) else { continue }
          let element = Self.place([index[0], group * depth + channel] + source, x.shape.dimensions)
          sum +=
            Double(input[element]) * Double(factors[Self.place([index[1], channel] + tap, weights.shape.dimensions)])
        }
      }
      return sum
    }
    var attributes = window.attributes
    attributes["group"] = .int(window.groups)
    Self.expectEqual(try Self.evaluate("Conv", attributes, [x, weights, bias]), expected, shape)
  }

  /// The transposition adds each element, times the weights, to all places that the convolution would have taken it from.
  @Test(arguments: windows) func transposedConvolution(_ window: Window) throws {
    let (counts, depth) = (Self.counts(window), 3)
    let x = Self.tensor([Self.batch, Self.channels] + counts, seed: 1)
    let weights = Self.tensor([Self.channels, depth] + window.kernel, seed: 2)
    let bias = Self.tensor([depth * window.groups], seed: 3)
    let (input, factors, offsets) = (
      x.elements(of: Float.self), weights.elements(of: Float.self), bias.elements(of: Float.self)
    )
    let shape = [Self.batch, depth * window.groups] + Self.image
    var expected = Self.indices(shape).map { Double(offsets[$0[1]]) }
    for index in Self.indices(x.shape.dimensions) {
      let group = index[1] / (Self.channels / window.groups)
      let element = Double(input[Self.place(index, x.shape.dimensions)])
      for output in 0..<depth {
        for tap in Self.indices(window.kernel) {
          guard let target = Self.source(window, Array(index[2...]), tap) else { continue }
          expected[Self.place([index[0], group * depth + output] + target, shape)] +=
            element * Double(factors[Self.place([index[1], output] + tap, weights.shape.dimensions)])
        }
      }
    }
    var attributes = window.attributes
    attributes["group"] = .int(window.groups)
    // What the windows leave over at the end of each axis.
    attributes["output_padding"] = .ints(
      (0..<3).map { axis in
        let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
        return (Self.image[axis] + window.before[axis] + window.after[axis] - reach) % window.strides[axis]
      })
    Self.expectEqual(try Self.evaluate("ConvTranspose", attributes, [x, weights, bias]), expected, shape)
  }

  @Test(arguments: windows) func pooling(_ window: Window) throws {
    let x = Self.tensor([Self.batch, Self.channels] + Self.image, seed: 4)
    let input = x.elements(of: Float.self)
    let shape = [Self.batch, Self.channels] + Self.counts(window)
    let met = Self.indices(shape).map { index in
      Self.indices(window.kernel).compactMap { tap in
        Self.source(window, Array(index[2...]), tap).map {
          Double(input[Self.place([index[0], index[1]] + $0, x.shape.dimensions)])
        }
      }
    }
    // A window that lies in the padding alone has no maximum and no mean.
    guard met.allSatisfy({ !$0.isEmpty }) else { return }
    let taps = Double(window.kernel.reduce(1, *))
    Self.expectEqual(try Self.evaluate("MaxPool", window.attributes, [x]), met.map { $0.max() ?? 0 }, shape)
    Self.expectEqual(
      try Self.evaluate("AveragePool", window.attributes, [x]), met.map { $0.reduce(0, +) / Double($0.count) }, shape)
    var counting = window.attributes
    counting["count_include_pad"] = .int(1)
    Self.expectEqual(try Self.evaluate("AveragePool", counting, [x]), met.map { $0.reduce(0, +) / taps }, shape)
  }
}
