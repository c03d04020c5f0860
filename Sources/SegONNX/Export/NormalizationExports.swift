import SegEngine

extension BatchNorm: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let y = step.add(
      "BatchNormalization", [step.map()] + (1...4).map { step.rows($0) }, ["epsilon": .float(epsilon)])
    step.result(map: step.activated(y, function))
  }
}

extension LayerNorm: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let channels = step.input(0).shape.channels
    let scale = step.inputCount > 1 ? step.rows(1) : step.exporter.constant(Tensor([channels], repeating: Float(1)))
    let shift = step.inputCount > 2 ? [step.rows(2)] : []
    step.result(
      rows: step.add(
        "LayerNormalization", [step.rows(), scale] + shift, ["axis": .int(-1), "epsilon": .float(epsilon)]))
  }
}

extension InstanceNorm: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let x = step.input(0).shape
    guard x.rank > 2 else { throw ONNXExportFailure("\(x) has no pixels to normalise") }
    let scale = step.inputCount > 1 ? step.rows(1) : step.exporter.constant(Tensor([x.channels], repeating: Float(1)))
    let shift = step.inputCount > 2 ? step.rows(2) : step.exporter.constant(Tensor(zeros: [x.channels]))
    step.result(map: step.add("InstanceNormalization", [step.map(), scale, shift], ["epsilon": .float(epsilon)]))
  }
}

extension GroupNorm: ONNXExporting {
  /// GroupNormalization has one scale for each channel from operator set 21 on. Before it, the groups are the channels of an
  /// InstanceNormalization.
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let order = AxisOrder.channelsFirst(step.input(0).shape.rank)
    let (ones, zeros) = (Tensor([groups], repeating: Float(1)), Tensor(zeros: [groups]))
    let normal = step.add(
      "InstanceNormalization",
      [step.reshaped(step.map(), to: [0, groups, -1]), step.exporter.constant(ones), step.exporter.constant(zeros)],
      ["epsilon": .float(epsilon)])
    var y = step.reshaped(normal, to: [0] + order.dropFirst().map { step.input(0).shape[$0] })
    try step.requireFixed(Array(order.dropFirst()))
    if step.inputCount > 1 { y = step.add("Mul", [y, try step.broadcasting(1, as: order)]) }
    if step.inputCount > 2 { y = step.add("Add", [y, try step.broadcasting(2, as: order)]) }
    step.result(map: y)
  }
}
