import SegEngine

extension ONNXImporter {
  /// Adds the engine's operators for a node and returns the node's outputs; `nil` if the engine does not support the
  /// node's types, shapes or attributes.
  typealias Rule = @Sendable (ONNXStep) throws -> [ONNXValue]?

  /// The rules by operator type, with the domain where that is not `ai.onnx`. Each family of rules is one file.
  static let rules: [String: Rule] = [
    quantizationRules, elementwiseRules, arithmeticRules, shapeRules, windowRules, normalizationRules, productRules,
    reductionRules, resizeRules, attentionRules, recurrentRules, deformationRules, quantizedRules, contributedRules,
  ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
}
