import SegEngine
import SegIO

/// What masks hold that could be meant in two ways: nobody is asked where all is clear.
struct MaskSurvey {
  private let masks: MaskReading
  private let pairs: [LabelledImages.Pair]

  /// A survey of the masks of a data set.
  init(_ pairs: [LabelledImages.Pair], _ masks: MaskReading) {
    self.pairs = pairs
    self.masks = masks
  }

  /// Complains where no mask has a class but 0, and some have 255 (or 65535), which would be left out: such masks are foreground and
  /// background. Nothing more is read where the first mask, `truth`, says otherwise.
  func requireClasses(beside truth: LabelMap) throws {
    guard masks.ignored == nil, !masks.isBinary else { return }
    guard truth.labels.allSatisfy({ $0 == 0 || $0 == LabelMap.unlabelled }) else { return }
    var largest: UInt16 = 0
    for pair in pairs {
      for label in try masks.stored(pair.mask).labels where label != 0 {
        guard label == LabelMap.defaultIgnoreLabel || label == LabelMap.unlabelled else { return }
        largest = max(largest, label)
      }
    }
    guard largest != 0 else { return }
    throw Failure(
      .badInput,
      "\(pairs[0].mask): the masks hold no labels but 0 and \(largest): --binary takes \(largest) for foreground, "
        + "--ignore \(largest) leaves it out")
  }

  /// Complains where so many classes have label 255 among them, masks hold it, and nobody said whether it counts.
  func requireMeaning(of label: UInt16 = LabelMap.defaultIgnoreLabel, among classes: Int) throws {
    guard masks.ignored == nil, !masks.isBinary, classes > Int(label) + 1 else { return }
    for pair in pairs where try masks.stored(pair.mask).labels.contains(label) {
      throw Failure(
        .badInput,
        "\(pair.mask): label \(label) may be one of \(classes) classes or count for nothing: --ignore none, or --ignore \(label)"
      )
    }
  }
}
