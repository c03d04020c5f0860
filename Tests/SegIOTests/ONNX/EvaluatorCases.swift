import SegEngine
import Testing

@testable import SegONNX

/// A node with its operands and what it gives, worked out by hand or with NumPy.
struct EvaluatorCase: Sendable, CustomTestStringConvertible {
  let kind: String
  var opset = 13
  var attributes: [String: ONNXAttributes.Value] = [:]
  let inputs: [ONNXConstant?]
  let outputs: [ONNXConstant]
  var note = ""

  var testDescription: String { note.isEmpty ? "\(kind) (\(opset))" : "\(kind) (\(opset)): \(note)" }

  var node: ONNXNode { node(with: attributes) }

  func node(with attributes: [String: ONNXAttributes.Value]) -> ONNXNode {
    ONNXNode(
      name: "n", kind: kind, domain: "", opset: opset, inputs: inputs.indices.map { "i\($0)" },
      outputs: outputs.indices.map { "o\($0)" }, attributes: ONNXAttributes(attributes))
  }
}

private func f(_ shape: Shape, _ values: [Float]) -> ONNXConstant { ONNXConstant(.float, shape, floats: values) }
private func f(_ values: Float...) -> ONNXConstant { ONNXConstant(.float, [values.count], floats: values) }
private func i(_ values: Int64...) -> ONNXConstant { ONNXConstant(.int64, [values.count], integers: values) }
private func i(_ shape: Shape, _ values: [Int64]) -> ONNXConstant { ONNXConstant(.int64, shape, integers: values) }
private func of(_ type: ONNXElement, _ values: Int64...) -> ONNXConstant {
  ONNXConstant(type, [values.count], integers: values)
}
private func scalar(_ value: Int64) -> ONNXConstant { ONNXConstant(.int64, [], integers: [value]) }
private func count(_ shape: Shape, from first: Int = 0) -> ONNXConstant {
  f(shape, (0..<shape.elementCount).map { Float($0 + first) })
}

extension EvaluatorCase {
  static let all = shapes + elements + choices + windows + others + normalizations

  private static let shapes: [EvaluatorCase] = [
    .init(kind: "Shape", opset: 15, attributes: ["start": .int(-2)], inputs: [count([2, 3, 4])], outputs: [i(3, 4)]),
    .init(kind: "Size", inputs: [count([2, 3])], outputs: [scalar(6)]),
    .init(kind: "Reshape", inputs: [count([2, 3]), i(0, -1, 1)], outputs: [count([2, 3, 1])]),
    .init(
      kind: "Reshape", opset: 14, attributes: ["allowzero": .int(1)], inputs: [count([0, 3]), i(3, 0)],
      outputs: [count([3, 0])], note: "a zero is kept"),
    .init(kind: "Flatten", attributes: ["axis": .int(2)], inputs: [count([2, 3, 4])], outputs: [count([6, 4])]),
    .init(
      kind: "Squeeze", opset: 11, attributes: ["axes": .ints([-1])], inputs: [count([1, 2, 1])],
      outputs: [count([1, 2])]),
    .init(kind: "Squeeze", inputs: [count([1, 2, 1]), i(0)], outputs: [count([2, 1])]),
    .init(kind: "Unsqueeze", inputs: [count([2]), i(0, -1)], outputs: [count([1, 2, 1])]),
    .init(kind: "Range", inputs: [scalar(7), scalar(1), scalar(-2)], outputs: [i(7, 5, 3)]),
    .init(
      kind: "ConstantOfShape", attributes: ["value": .tensor(i(5))], inputs: [i(2, 2)],
      outputs: [i([2, 2], [5, 5, 5, 5])]),
    .init(
      kind: "Cast", attributes: ["to": .int(2)], inputs: [f(-1.5, 3.9, 260)], outputs: [of(.uint8, 255, 3, 4)],
      note: "cut and wrapped"),
    .init(kind: "Cast", attributes: ["to": .int(9)], inputs: [f(0, 0.1, -2)], outputs: [of(.bool, 0, 1, 1)]),
    .init(
      kind: "Cast", attributes: ["to": .int(10)], inputs: [f(2049, 1e6, 1e-8)],
      outputs: [ONNXConstant(.float16, [3], floats: [2048, .infinity, 0])], note: "rounded to half precision"),
    .init(
      kind: "Transpose", attributes: ["perm": .ints([1, 0])], inputs: [count([2, 3])],
      outputs: [f([3, 2], [0, 3, 1, 4, 2, 5])]),
    .init(kind: "Expand", inputs: [f([2, 1], [1, 2]), i(1, 3)], outputs: [f([2, 3], [1, 1, 1, 2, 2, 2])]),
    .init(kind: "Tile", inputs: [f(1, 2), i(2)], outputs: [f(1, 2, 1, 2)]),
    .init(
      kind: "Concat", attributes: ["axis": .int(-1)], inputs: [count([2, 1]), count([2, 2], from: 5)],
      outputs: [f([2, 3], [0, 5, 6, 1, 7, 8])]),
    .init(
      kind: "Split", opset: 18, attributes: ["num_outputs": .int(2)], inputs: [f(1, 2, 3)], outputs: [f(1, 2), f(3)]),
    .init(
      kind: "Slice", opset: 9, attributes: ["starts": .ints([1]), "ends": .ints([.max])], inputs: [f(1, 2, 3)],
      outputs: [f(2, 3)]),
    .init(kind: "Slice", inputs: [f(1, 2, 3, 4), i(-1), i(.min), i(0), i(-2)], outputs: [f(4, 2)], note: "backwards"),
    .init(
      kind: "Pad", attributes: ["mode": .string("reflect")], inputs: [f(1, 2, 3), i(2, 1)],
      outputs: [f(3, 2, 1, 2, 3, 2)]),
    .init(kind: "Pad", inputs: [f(1, 2, 3), i(-1, 1), f(9)], outputs: [f(2, 3, 9)]),
    .init(
      kind: "Pad", opset: 19, attributes: ["mode": .string("wrap")], inputs: [f(1, 2, 3), i(2, 2)],
      outputs: [f(2, 3, 1, 2, 3, 1, 2)]),
    .init(
      kind: "DepthToSpace", attributes: ["blocksize": .int(2)], inputs: [count([1, 4, 1, 1])],
      outputs: [count([1, 1, 2, 2])]),
    .init(
      kind: "Trilu", opset: 14, attributes: ["upper": .int(0)], inputs: [count([2, 2], from: 1)],
      outputs: [f([2, 2], [1, 0, 3, 4])]),
  ]

  private static let elements: [EvaluatorCase] = [
    .init(kind: "Add", inputs: [f([2, 1], [1, 2]), f(10, 20)], outputs: [f([2, 2], [11, 21, 12, 22])]),
    .init(kind: "Add", inputs: [of(.int8, 127), of(.int8, 1)], outputs: [of(.int8, -128)], note: "wraps"),
    .init(kind: "Div", inputs: [i(-7, 7, .min), i(2, -2, -1)], outputs: [i(-3, -3, .min)], note: "towards zero"),
    .init(kind: "Mod", inputs: [i(-7, 7), i(3, -3)], outputs: [i(2, -2)]),
    .init(kind: "Mod", attributes: ["fmod": .int(1)], inputs: [i(-7, 7), i(3, -3)], outputs: [i(-1, 1)]),
    .init(kind: "Pow", inputs: [i(2, -3), i(10, 3)], outputs: [i(1024, -27)]),
    .init(kind: "Max", inputs: [f(1, 5), f(3), f(2, 2)], outputs: [f(3, 5)]),
    .init(kind: "Mean", inputs: [f(1, 5), f(3, 1)], outputs: [f(2, 3)]),
    .init(
      kind: "Clip", opset: 6, attributes: ["min": .float(0), "max": .float(6)], inputs: [f(-1, 3, 9)],
      outputs: [f(0, 3, 6)]),
    .init(kind: "Clip", inputs: [i(-1, 3, 9), nil, scalar(6)], outputs: [i(-1, 3, 6)]),
    .init(kind: "Where", inputs: [of(.bool, 1, 0), i(1, 2), i(9)], outputs: [i(1, 9)]),
    .init(kind: "Round", inputs: [f(0.5, 1.5, -2.5)], outputs: [f(0, 2, -2)]),
    .init(kind: "Relu", opset: 14, inputs: [of(.int32, -3, 3)], outputs: [of(.int32, 0, 3)]),
    .init(kind: "HardSigmoid", inputs: [f(-3, 0, 3)], outputs: [f(0, 0.5, 1)]),
    .init(kind: "Erf", inputs: [f(0, 1)], outputs: [f(0, 0.842_700_8)]),
    .init(kind: "Gelu", opset: 20, inputs: [f(0, 1, -1)], outputs: [f(0, 0.841_344_7, -0.158_655_26)]),
    .init(kind: "Less", inputs: [i(1, 2), i(2)], outputs: [of(.bool, 1, 0)]),
    .init(kind: "Xor", inputs: [of(.bool, 1, 0), of(.bool, 1)], outputs: [of(.bool, 0, 1)]),
    .init(
      kind: "BitShift", attributes: ["direction": .string("RIGHT")], inputs: [of(.uint8, 200, 3), of(.uint8, 3, 9)],
      outputs: [of(.uint8, 25, 0)]),
    .init(
      kind: "IsInf", attributes: ["detect_negative": .int(0)], inputs: [f(.infinity, -.infinity)],
      outputs: [of(.bool, 1, 0)]),
  ]

  private static let choices: [EvaluatorCase] = [
    .init(
      kind: "Gather", attributes: ["axis": .int(1)], inputs: [count([2, 3]), i(-1, 0)],
      outputs: [f([2, 2], [2, 0, 5, 3])]),
    .init(
      kind: "GatherElements", attributes: ["axis": .int(1)], inputs: [count([2, 2]), i([2, 1], [1, 0])],
      outputs: [f([2, 1], [1, 2])]),
    .init(kind: "GatherND", inputs: [count([2, 2]), i([2, 1], [1, 0])], outputs: [f([2, 2], [2, 3, 0, 1])]),
    .init(
      kind: "ScatterND", opset: 16, attributes: ["reduction": .string("add")],
      inputs: [f(1, 2, 3), i([2, 1], [2, 2]), f(10, 20)], outputs: [f(1, 2, 33)]),
    .init(
      kind: "ScatterElements", inputs: [f(1, 2, 3), i(-1), f(9)], outputs: [f(1, 2, 9)]),
    .init(kind: "NonZero", inputs: [f([2, 2], [1, 0, 1, 1])], outputs: [i([2, 3], [0, 1, 1, 0, 0, 1])]),
    .init(kind: "OneHot", inputs: [i(0, -1), scalar(3), f(0, 1)], outputs: [f([2, 3], [1, 0, 0, 0, 0, 1])]),
    .init(
      kind: "TopK", inputs: [f(1, 3, 3, 2), i(3)], outputs: [f(3, 3, 2), i(1, 2, 3)],
      note: "the first of equals comes first"),
    .init(
      kind: "ArgMax", attributes: ["select_last_index": .int(1), "keepdims": .int(0)], inputs: [f(2, 5, 5)],
      outputs: [scalar(2)]),
    .init(kind: "ReduceSum", inputs: [count([2, 3]), i(-1)], outputs: [f([2, 1], [3, 12])]),
    .init(
      kind: "ReduceSum", attributes: ["noop_with_empty_axes": .int(1)], inputs: [count([2, 3])],
      outputs: [count([2, 3])]),
    .init(
      kind: "ReduceMean", attributes: ["axes": .ints([0]), "keepdims": .int(0)], inputs: [count([2, 3])],
      outputs: [f(1.5, 2.5, 3.5)]),
    .init(
      kind: "ReduceLogSumExp", attributes: ["keepdims": .int(0)], inputs: [f(1000, 1000)], outputs: [f([], [1000.6931])]
    ),
    .init(
      kind: "ReduceMax", opset: 20, attributes: ["keepdims": .int(0)], inputs: [of(.bool, 0, 1)],
      outputs: [ONNXConstant(.bool, [], integers: [1])]),
    .init(kind: "CumSum", attributes: ["reverse": .int(1)], inputs: [f(1, 2, 3), scalar(0)], outputs: [f(6, 5, 3)]),
    .init(kind: "MatMul", inputs: [count([2, 2]), f(1, 2)], outputs: [f(2, 8)]),
    .init(
      kind: "Gemm", attributes: ["transB": .int(1), "beta": .float(2)],
      inputs: [f([1, 2], [1, 2]), count([2, 2]), f(1, 10)],
      outputs: [f([1, 2], [4, 28])]),
    .init(
      kind: "Einsum", attributes: ["equation": .string("...ij,jk")], inputs: [count([1, 2, 2]), count([2, 1])],
      outputs: [f([1, 2, 1], [1, 3])]),
    .init(
      kind: "Einsum", attributes: ["equation": .string("ii->")], inputs: [count([2, 2])], outputs: [f([], [3])],
      note: "trace"),
  ]

  private static let windows: [EvaluatorCase] = [
    .init(
      kind: "MaxPool", attributes: ["kernel_shape": .ints([2, 2]), "ceil_mode": .int(1), "strides": .ints([2, 2])],
      inputs: [count([1, 1, 3, 3])], outputs: [f([1, 1, 2, 2], [4, 5, 7, 8]), i([1, 1, 2, 2], [4, 5, 7, 8])]),
    .init(
      kind: "MaxPool", attributes: ["kernel_shape": .ints([2, 2]), "storage_order": .int(1)],
      inputs: [count([1, 1, 2, 3])], outputs: [f([1, 1, 1, 2], [4, 5]), i([1, 1, 1, 2], [3, 5])]),
    .init(
      kind: "AveragePool", attributes: ["kernel_shape": .ints([3]), "pads": .ints([1, 1])],
      inputs: [f([1, 1, 3], [3, 6, 9])],
      outputs: [f([1, 1, 3], [4.5, 6, 7.5])]),
    .init(
      kind: "AveragePool",
      attributes: ["kernel_shape": .ints([3]), "pads": .ints([1, 1]), "count_include_pad": .int(1)],
      inputs: [f([1, 1, 3], [3, 6, 9])], outputs: [f([1, 1, 3], [3, 6, 5])]),
    .init(
      kind: "Conv", attributes: ["auto_pad": .string("SAME_LOWER")],
      inputs: [f([1, 1, 3], [1, 2, 3]), f([1, 1, 2], [1, 10]), f(5)],
      outputs: [f([1, 1, 3], [15, 26, 37])]),
    .init(
      kind: "Conv", attributes: ["group": .int(2), "strides": .ints([2])],
      inputs: [count([1, 2, 3]), f([2, 1, 1], [1, 2])],
      outputs: [f([1, 2, 2], [0, 2, 6, 10])]),
    .init(
      kind: "ConvTranspose", attributes: ["strides": .ints([2]), "output_padding": .ints([1])],
      inputs: [f([1, 1, 2], [1, 2]), f([1, 1, 2], [1, 10])], outputs: [f([1, 1, 5], [1, 10, 2, 20, 0])]),
    .init(
      kind: "MaxUnpool", attributes: ["kernel_shape": .ints([2]), "strides": .ints([2])],
      inputs: [f([1, 1, 2], [5, 6]), i([1, 1, 2], [1, 2])], outputs: [f([1, 1, 4], [0, 5, 6, 0])]),
    .init(
      kind: "Resize", attributes: ["mode": .string("linear")], inputs: [f([1, 1, 2], [1, 3]), nil, f(1, 1, 2)],
      outputs: [f([1, 1, 4], [1, 1.5, 2.5, 3])]),
    .init(
      kind: "Resize",
      attributes: ["nearest_mode": .string("ceil"), "coordinate_transformation_mode": .string("asymmetric")],
      inputs: [f([1, 1, 2], [1, 3]), nil, nil, i(1, 1, 4)], outputs: [f([1, 1, 4], [1, 3, 3, 3])]),
    .init(
      kind: "Resize",
      attributes: ["mode": .string("linear"), "coordinate_transformation_mode": .string("align_corners")],
      inputs: [f([1, 1, 2], [1, 3]), nil, nil, i(1, 1, 3)], outputs: [f([1, 1, 3], [1, 2, 3])]),
    .init(
      kind: "Upsample", opset: 9, inputs: [f([1, 1, 2], [1, 3]), f(1, 1, 2)], outputs: [f([1, 1, 4], [1, 1, 3, 3])]),
    .init(
      kind: "GridSample", opset: 16, inputs: [count([1, 1, 2, 2]), f([1, 1, 2, 2], [0, 0, 1, 1])],
      outputs: [f([1, 1, 1, 2], [1.5, 0.75])]),
    .init(
      kind: "AffineGrid", opset: 20, inputs: [f([1, 2, 3], [1, 0, 0, 0, 1, 0]), i(1, 1, 1, 2)],
      outputs: [f([1, 1, 2, 2], [-0.5, 0, 0.5, 0])]),
    .init(
      kind: "RoiAlign", opset: 16, attributes: ["sampling_ratio": .int(1)],
      inputs: [count([1, 1, 2, 2]), f([1, 4], [0, 0, 2, 2]), i(0)], outputs: [f([1, 1, 1, 1], [1.5])]),
    .init(
      kind: "Col2Im", opset: 18, inputs: [f([1, 2, 2], [1, 2, 3, 4]), i(1, 3), i(1, 2)],
      outputs: [f([1, 1, 1, 3], [1, 5, 4])]),
  ]

  private static let others: [EvaluatorCase] = [
    .init(
      kind: "Softmax", opset: 11, inputs: [f([1, 2, 2], [0, 0, 0, 0])],
      outputs: [f([1, 2, 2], [0.25, 0.25, 0.25, 0.25])], note: "flattened"),
    .init(kind: "Softmax", inputs: [f([1, 2, 2], [0, 0, 0, 0])], outputs: [f([1, 2, 2], [0.5, 0.5, 0.5, 0.5])]),
    .init(
      kind: "LayerNormalization", opset: 17, attributes: ["epsilon": .float(0)],
      inputs: [f([1, 2], [1, 3]), f(1, 2), f(0, 1)],
      outputs: [f([1, 2], [-1, 3]), f([1, 1], [2]), f([1, 1], [1])]),
    .init(
      kind: "GroupNormalization", opset: 21, attributes: ["epsilon": .float(0), "num_groups": .int(1)],
      inputs: [f([1, 2, 1], [1, 3]), f(1, 2), f(0, 1)], outputs: [f([1, 2, 1], [-1, 3])]),
    .init(
      kind: "BatchNormalization", attributes: ["epsilon": .float(0)],
      inputs: [f([1, 2, 1], [3, 5]), f(2, 1), f(1, 0), f(1, 1), f(4, 16)],
      outputs: [f([1, 2, 1], [3, 1])]),
    .init(
      kind: "LRN", attributes: ["size": .int(1), "alpha": .float(1), "beta": .float(1)],
      inputs: [f([1, 2, 1], [1, 2])],
      outputs: [f([1, 2, 1], [0.5, 0.4])]),
    .init(kind: "GlobalAveragePool", inputs: [count([1, 1, 2, 2])], outputs: [f([1, 1, 1, 1], [1.5])]),
    .init(
      kind: "QuantizeLinear", inputs: [f(-1, 1.25, 300), f([], [0.5]), ONNXConstant(.uint8, [], integers: [10])],
      outputs: [of(.uint8, 8, 12, 255)]),
    .init(
      kind: "DequantizeLinear", attributes: ["axis": .int(0)], inputs: [of(.int8, -4, 4), f(0.5, 2), of(.int8, 0, 1)],
      outputs: [f(-2, 6)]),
  ]

  private static let normalizations: [EvaluatorCase] = [
    .init(kind: "LpNormalization", inputs: [f([2, 2], [3, 4, 0, 0])], outputs: [f([2, 2], [0.6, 0.8, 0, 0])]),
    .init(
      kind: "LpNormalization", attributes: ["p": .int(1)], inputs: [f([1, 2], [1, -3])],
      outputs: [f([1, 2], [0.25, -0.75])]),
    .init(
      kind: "RMSNormalization", opset: 23, attributes: ["epsilon": .float(0)], inputs: [f([1, 2], [1, 7]), f(1, 2)],
      outputs: [f([1, 2], [0.2, 2.8])]),
    .init(
      kind: "InstanceNormalization", attributes: ["epsilon": .float(0)], inputs: [f([1, 1, 2], [1, 3]), f(2), f(1)],
      outputs: [f([1, 1, 2], [-1, 3])]),
    .init(
      kind: "MeanVarianceNormalization", attributes: ["axes": .ints([0])], inputs: [f([2, 1], [1, 3])],
      outputs: [f([2, 1], [-1, 1])]),
    .init(
      kind: "GroupNormalization", opset: 18, attributes: ["epsilon": .float(0), "num_groups": .int(2)],
      inputs: [f([1, 4, 1], [1, 3, 5, 9]), f(2, 1), f(1, 0)], outputs: [f([1, 4, 1], [-1, 3, -1, 1])],
      note: "a scale a group"),
    .init(
      kind: "LayerNormalization", opset: 17, attributes: ["axis": .int(0), "epsilon": .float(0)],
      inputs: [f([2, 1], [1, 3]), f([2, 1], [1, 2])], outputs: [f([2, 1], [-1, 2])], note: "over all axes"),
    .init(
      kind: "LRN", attributes: ["size": .int(3), "alpha": .float(3), "beta": .float(1)],
      inputs: [f([1, 2, 1], [1, 2])],
      outputs: [f([1, 2, 1], [1.0 / 6, 2.0 / 6])], note: "over neighbours"),
    .init(kind: "Hardmax", inputs: [f([1, 3], [1, 3, 3])], outputs: [f([1, 3], [0, 1, 0])]),
    .init(kind: "MatMul", inputs: [f(1, 2), f(3, 4)], outputs: [f([], [11])], note: "of vectors"),
    .init(
      kind: "MatMul", inputs: [f(1, 2), count([2, 2, 2])], outputs: [f([2, 2], [4, 7, 16, 19])], note: "a row, batched"),
    .init(
      kind: "Clip", inputs: [f(1, 9), f([], [5]), f([], [2])], outputs: [f(2, 2)], note: "bounds that cross"),
    .init(kind: "Sum", inputs: [f(1, 9)], outputs: [f(1, 9)], note: "of one operand"),
    .init(kind: "Add", inputs: [f([0, 2], []), f(1, 9)], outputs: [f([0, 2], [])], note: "of nothing"),
  ]
}
