import SegEngine

/// A loss by name: `ce`, `dice`, `jaccard`, `tversky`, `focal`, `lovasz`, or a sum such as `ce+0.5*dice`.
struct LossChoice {
  /// The names of the losses.
  static let names = ["ce", "focal", "dice", "jaccard", "tversky", "lovasz"]

  let loss: any SegmentationLoss

  /// Makes a loss.
  ///
  /// - Parameters:
  ///   - text: The names with their weights.
  ///   - classWeights: The weights of the classes in cross-entropy and focal loss.
  /// - Throws: ``TrainingConfigurationError``.
  init(_ text: String, classWeights: [Double]?) throws(TrainingConfigurationError) {
    var terms: [CombinedLoss.Term] = []
    for part in text.split(separator: "+", omittingEmptySubsequences: false) {
      let pieces = part.split(separator: "*", omittingEmptySubsequences: false)
      let weight = pieces.count == 2 ? Double(pieces[0]) : 1
      guard let name = pieces.last.map(String.init), (1...2).contains(pieces.count), let weight, weight > 0,
        weight.isFinite
      else {
        throw .init("loss: \(text) is not a sum of losses such as ce+0.5*dice")
      }
      guard let loss = Self.loss(name, classWeights) else {
        throw .init(
          "loss: \(name) is not one of \(Self.names.joined(separator: ", "))\(name.suggestion(among: Self.names))")
      }
      terms.append(CombinedLoss.Term(loss, weight: .constant(weight)))
    }
    loss = terms.count == 1 && terms[0].weight == .constant(1) ? terms[0].loss : CombinedLoss(terms)
  }

  private static func loss(_ name: String, _ weights: [Double]?) -> (any SegmentationLoss)? {
    let ignored = LabelMap.unlabelled
    var overlap = OverlapOptions()
    // Over the batch, of the classes but the background, with false positives of absent classes counted.
    (overlap.includesBackground, overlap.absentClasses, overlap.ignoreLabel) = (false, .counted, ignored)
    switch name {
    case "ce": return CrossEntropyLoss(classWeights: weights, ignoreLabel: ignored)
    case "focal": return FocalLoss(alpha: weights, ignoreLabel: ignored)
    case "dice": return DiceLoss(overlap)
    case "jaccard": return JaccardLoss(overlap)
    case "tversky": return TverskyLoss(alpha: 0.3, beta: 0.7, overlap)
    case "lovasz": return LovaszSoftmaxLoss(ignoreLabel: ignored)
    default: return nil
    }
  }
}
