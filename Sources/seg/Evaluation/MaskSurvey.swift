import SegEngine
import SegIO

/// A check for labels of masks that are ambiguous without an option.
struct MaskSurvey {
  private let masks: MaskReading
  private let pairs: [LabelledImages.Pair]

  /// Makes a check of the masks of a data set.
  init(_ pairs: [LabelledImages.Pair], _ masks: MaskReading) {
    self.pairs = pairs
    self.masks = masks
  }

  /// Throws an error if no mask has a class other than 0, and some have 255 (or 65535), which is ignored by default. Such masks are
  /// probably binary. If the first mask, `truth`, has another label, no further file is read.
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

  /// Throws an error if label 255 is one of the classes and occurs in a mask, and the user did not specify whether it is ignored.
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
