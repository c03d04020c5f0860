import SegEngine

extension Convolution: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let window = ONNXExportWindow(geometry, step)
    let parameters = (1..<step.inputCount - (addsResidual ? 1 : 0)).map { step.rows($0) }
    let attributes = window.geometry.windowAttributes(["group": .int(geometry.groups)])
    let y = step.add("Conv", [window.map] + parameters, attributes)
    step.result(map: step.finished(y, addsResidual: addsResidual, function))
  }
}

extension TransposedConvolution: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    guard geometry.padding.isPadding else { throw ONNXExportFailure("its padding is negative") }
    let parameters = (1..<step.inputCount - (addsResidual ? 1 : 0)).map { step.rows($0) }
    let y = step.add(
      "ConvTranspose", [step.map()] + parameters,
      geometry.windowAttributes([
        "group": .int(geometry.groups), "output_padding": .ints([outputPadding.height, outputPadding.width]),
      ]))
    step.result(map: step.finished(y, addsResidual: addsResidual, function))
  }
}

extension DeformableConvolution: ONNXExporting {
  var minimumOpset: Int { 19 }

  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    guard geometry.padding.isPadding else { throw ONNXExportFailure("its padding is negative") }
    let biasIndex = isModulated ? 4 : 3
    let bias = step.inputCount > biasIndex ? step.rows(biasIndex) : ""
    let operands = [step.map(), step.rows(1), step.map(2), bias] + (isModulated ? [step.map(3)] : [])
    let y = step.add(
      "DeformConv", operands.last == "" ? operands.dropLast() : operands,
      geometry.windowAttributes(["group": .int(geometry.groups), "offset_group": .int(offsetGroups)]))
    step.result(map: step.activated(y, function))
  }
}

extension ConvolutionGeometry {
  /// The attributes of nodes with a window, and others.
  func windowAttributes(
    _ others: ONNXAttributeList = [:]
  ) -> ONNXAttributeList {
    others.preceded(by: [
      "kernel_shape": .ints([kernel.height, kernel.width]), "strides": .ints([stride.height, stride.width]),
      "dilations": .ints([dilation.height, dilation.width]),
      "pads": .ints([padding.top, padding.left, padding.bottom, padding.right]),
    ])
  }
}

extension Padding2D {
  /// Whether no number is negative.
  var isPadding: Bool { min(top, left, bottom, right) >= 0 }
}

extension ONNXExportStep {
  /// Adds zeros around a map `[batch, channels, height, width]`.
  func padded(_ map: String, _ padding: Padding2D) -> String {
    add("Pad", [map, integers([0, 0, padding.top, padding.left, 0, 0, padding.bottom, padding.right])])
  }

  /// Adds the residual, which is the last operand, to a result with the channels first, and applies the function.
  func finished(_ y: String, addsResidual: Bool, _ function: ElementwiseFunction) -> String {
    activated(addsResidual ? add("Add", [y, map(inputCount - 1)]) : y, function)
  }
}
