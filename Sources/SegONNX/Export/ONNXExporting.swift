import SegEngine

/// An operator that can be written to an ONNX file. Each family of operators is one file.
protocol ONNXExporting: Operator {
  /// The first operator set that has the nodes of this operator.
  var minimumOpset: Int { get }

  /// Adds the nodes that compute the operator, and sets its results (``ONNXExportStep/result(_:as:output:)``).
  ///
  /// - Throws: ``ONNXExportFailure`` if it cannot be written with its attributes and operands.
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure)
}

extension ONNXExporting {
  var minimumOpset: Int { ONNXExporter.opset }
}
