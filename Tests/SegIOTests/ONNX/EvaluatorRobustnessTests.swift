import SegEngine
import Testing

@testable import SegONNX

/// Attributes and operands as a hostile file may have them.
struct EvaluatorMutation {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  private mutating func next(_ bound: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(bound))
  }

  private mutating func integer() -> Int {
    let values = [
      0, 1, -1, 2, 3, -2, 5, 7, 100, 1 << 20, 1 << 31, 1 << 32, -(1 << 31), 1 << 40, 1 << 62, .max, .min, .min + 1,
    ]
    return values[next(values.count)]
  }

  private mutating func number() -> Float {
    let values: [Float] = [0, 1, -1, 0.5, 2, 1e-30, 1e30, -1e30, .infinity, -.infinity, .nan, 3, -0.0]
    return values[next(values.count)]
  }

  private mutating func integers(_ values: [Int]) -> [Int] {
    var values = values
    switch next(4) {
    case 0: values.append(integer())
    case 1: if !values.isEmpty { values.removeLast() }
    default: if !values.isEmpty { values[next(values.count)] = integer() }
    }
    return values
  }

  private mutating func constant(_ constant: ONNXConstant) -> ONNXConstant {
    switch next(5) {
    case 0:  // another shape, with as many elements or with none
      let count = constant.shape.elementCount
      let shapes: [Shape] = [[count], [1, count], [count, 1, 1], [1, 1, count, 1], [1, count, 1, 1, 1]]
      return constant.reshaped(shapes[next(shapes.count)])
    case 1:
      let shapes: [Shape] = [
        [0], [0, 1 << 40], [1 << 40, 0], [0, 0, 3], [1, 0, 2, 2], [2, 3, 0, 1 << 30], [1, 1 << 40, 0, 1],
      ]
      return ONNXConstant(constant.type, Tensor(zeros: shapes[next(shapes.count)], of: constant.tensor.elementType))
    case 2:  // another type
      return ONNXEvaluator.cast(constant, to: ONNXElement.allCases[next(ONNXElement.allCases.count)])
    default:
      guard constant.shape.elementCount > 0 else { return constant }
      if constant.type.isFloat {
        var values = constant.floats
        values[next(values.count)] = number()
        return ONNXConstant(constant.type, constant.shape, floats: values)
      }
      var values = constant.integers
      values[next(values.count)] = Int64(integer())
      return ONNXConstant(constant.type, constant.shape, integers: values)
    }
  }

  /// Changes one thing or a few.
  mutating func mutate(
    _ attributes: [String: ONNXAttributes.Value], _ inputs: [ONNXConstant?]
  ) -> ([String: ONNXAttributes.Value], [ONNXConstant?]) {
    var (attributes, inputs) = (attributes, inputs)
    let names = [
      "axis", "axes", "perm", "kernel_shape", "strides", "pads", "dilations", "group", "blocksize", "keepdims", "p",
      "size",
      "output_padding", "output_shape", "num_groups", "batch_dims", "k", "num_outputs", "ceil_mode", "starts", "ends",
      "epsilon", "alpha", "to", "start", "end", "time_axis", "batch_axis", "block_size", "sampling_ratio", "upper",
    ]
    for _ in 0...next(3) {
      switch next(4) {
      case 0:
        guard let name = attributes.keys.sorted().dropFirst(next(max(attributes.count, 1))).first else { continue }
        switch attributes[name] {
        case .int: attributes[name] = .int(integer())
        case .ints(let values): attributes[name] = .ints(integers(values))
        case .float: attributes[name] = .float(number())
        case .floats(let values): attributes[name] = .floats(values.map { _ in number() })
        case .tensor(let value): attributes[name] = .tensor(constant(value))
        case .string(let text): attributes[name] = .string(String(text.dropLast(next(text.count + 1))))
        default: attributes[name] = nil
        }
      case 1:
        let name = names[next(names.count)]
        let value = integer()
        let list = (0..<next(6)).map { _ in integer() }
        attributes[name] = next(2) == 0 ? .int(value) : next(4) == 0 ? .float(number()) : .ints(list)
      default:
        guard !inputs.isEmpty else { continue }
        let index = next(inputs.count)
        inputs[index] = next(12) == 0 ? nil : inputs[index].map { constant($0) }
      }
    }
    return (attributes, inputs)
  }
}

@Suite("Hostile operands of ONNX operators")
struct EvaluatorRobustnessTests {
  @Test("whatever the attributes and operands, a node gives results or a reason", arguments: EvaluatorCase.all)
  func mutations(_ entry: EvaluatorCase) {
    ONNXEvaluator.$limits.withValue(.init(elements: 1 << 16, operations: 1 << 22)) {
      for seed in 0..<400 {
        var mutation = EvaluatorMutation(seed: UInt64(seed))
        let (attributes, inputs) = mutation.mutate(entry.attributes, entry.inputs)
        do throws(ONNXFailure) {
          let results = try ONNXEvaluator.evaluate(entry.node(with: attributes), inputs)
          for result in results { #expect(result.shape.elementCount <= 1 << 16) }
        } catch {
          #expect(!error.reason.isEmpty)
        }
      }
    }
  }
}
