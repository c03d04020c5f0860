import SegEngine

extension ONNXImporter {
  /// Adds the engine's operators for a node, or gives `nil` where the engine has none for its types and attributes.
  typealias Rule = @Sendable (ONNXStep) throws -> [ONNXValue]?

  /// What the engine computes, by operator. Each family is a file.
  static let rules: [String: Rule] = [
    elementwiseRules, arithmeticRules, shapeRules, windowRules, normalizationRules, productRules, reductionRules,
    resizeRules,
  ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
}
