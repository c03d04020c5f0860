import SegEngine

extension Reduce: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let x = step.tensor()
    let reduced = Set(axes.isEmpty ? AxisOrder.own(x.order.count) : axes.map { step.axis($0) })
    let type =
      switch operation {
      case .mean: "ReduceMean"
      case .sum: "ReduceSum"
      case .maximum: "ReduceMax"
      case .minimum: "ReduceMin"
      case .product: "ReduceProd"
      case .sumOfSquares: "ReduceSumSquare"
      case .norm: "ReduceL2"
      }
    let places = x.order.indices.filter { reduced.contains(x.order[$0]) }
    step.result(
      step.reduced(type, x.name, over: places, keepsAxes: keepsAxes),
      as: keepsAxes ? x.order : AxisOrder.removing(reduced, from: x.order))
  }
}

extension ArgMax: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let (x, axis) = (step.tensor(), step.axis(axis))
    let index = step.add(
      "ArgMax", [x.name],
      ["axis": .int(x.order.firstIndex(of: axis)!), "keepdims": .int(keepsAxis ? 1 : 0)])
    step.result(
      elementType == .int64 ? index : step.cast(index, to: elementType),
      as: keepsAxis ? x.order : AxisOrder.removing([axis], from: x.order))
  }
}

extension Softmax: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let x = step.tensor()
    let place = x.order.firstIndex(of: step.axis(axis))!
    step.result(step.add(isLogarithm ? "LogSoftmax" : "Softmax", [x.name], ["axis": .int(place)]), as: x.order)
  }
}

extension ONNXExportStep {
  /// Reduces axes of a tensor. The axes are an operand of ReduceSum, and of the others from operator set 18 on.
  func reduced(_ type: String, _ x: String, over axes: [Int], keepsAxes: Bool) -> String {
    let keeps = ONNXAttributes.Value.int(keepsAxes ? 1 : 0)
    return opset >= 18 || type == "ReduceSum"
      ? add(type, [x, integers(axes)], ["keepdims": keeps])
      : add(type, [x], ["axes": .ints(axes), "keepdims": keeps])
  }
}
