import SegEngine
import Testing

@testable import SegONNX

@Suite("Constant evaluation of ONNX operators")
struct EvaluatorTests {
  @Test("operators give what their definition says", arguments: EvaluatorCase.all)
  func operators(_ entry: EvaluatorCase) throws {
    let results = try ONNXEvaluator.evaluate(entry.node, entry.inputs)
    for (index, expected) in entry.outputs.enumerated() {
      let result = try #require(index < results.count ? results[index] : nil)
      #expect(result.type == expected.type)
      try #require(result.shape == expected.shape)
      if result.type.isFloat {
        for (a, b) in zip(result.floats, expected.floats) { #expect(a == b || abs(a - b) <= 1e-6 * max(1, abs(b))) }
      } else {
        #expect(result.integers == expected.integers)
      }
    }
  }

  @Test("what cannot be computed is refused with a reason")
  func refusals() throws {
    func reason(
      _ kind: String, _ attributes: [String: ONNXAttributes.Value] = [:], _ inputs: [ONNXConstant?]
    ) throws -> String {
      let entry = EvaluatorCase(kind: kind, attributes: attributes, inputs: inputs, outputs: [])
      return try #require(throws: ONNXFailure.self) { try ONNXEvaluator.evaluate(entry.node, inputs) }.reason
    }
    let ints = ONNXConstant(.int64, [2], integers: [1, 0])
    let floats = ONNXConstant(.float, [3], floats: [1, 2, 3])
    #expect(try reason("NoSuchOperator", [:], []) == "is not supported")
    #expect(try reason("Div", [:], [ints, ints]).contains("by zero"))
    #expect(try reason("Add", [:], [ints, floats]).contains("differ in type"))
    #expect(try reason("Add", [:], [floats, nil]).contains("operand 1 is missing"))
    #expect(try reason("Gather", ["axis": .int(1)], [floats, ints]).contains("no axis 1"))
    #expect(try reason("Gather", [:], [floats, ONNXConstant(.int64, [], integers: [3])]).contains("outside"))
    #expect(
      try reason("ConstantOfShape", [:], [ONNXConstant(.int64, [2], integers: [1 << 20, 1 << 20])]).contains(
        "not possible"))
    #expect(try reason("Reshape", [:], [floats, ONNXConstant(.int64, [1], integers: [4])]).contains("cannot be seen"))
    #expect(try reason("Conv", [:], [floats, floats]).contains("do not fit"))
  }

  @Test("limits hold for elements and for work")
  func limits() throws {
    let limits = ONNXEvaluator.Limits(elements: 100, operations: 1000)
    let shape = ONNXConstant(.int64, [1], integers: [101])
    let wide = ONNXConstant(.float, Tensor(zeros: [10, 101]))
    let node = EvaluatorCase(kind: "ConstantOfShape", inputs: [shape], outputs: []).node
    let product = EvaluatorCase(kind: "MatMul", inputs: [], outputs: []).node
    let flipped = ONNXConstant(.float, Tensor(zeros: [101, 10]))
    ONNXEvaluator.$limits.withValue(limits) {
      #expect(throws: ONNXFailure.self) { try ONNXEvaluator.evaluate(node, [shape]) }
      #expect(throws: ONNXFailure.self) { try ONNXEvaluator.evaluate(product, [wide, flipped]) }
    }
    #expect(throws: Never.self) { try ONNXEvaluator.evaluate(product, [wide, flipped]) }
  }
}
