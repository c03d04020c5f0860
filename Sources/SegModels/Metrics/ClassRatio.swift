import SegEngine

/// Ratios of pixel counts of a class. P is the set of pixels predicted as the class, T the set where it is true.
public enum ClassRatio: String, Sendable, Hashable, CaseIterable {
  /// |P ∩ T| / |P ∪ T|, the Jaccard index.
  case iou
  /// 2 |P ∩ T| / (|P| + |T|), which is F₁.
  case dice
  /// |P ∩ T| / |P|.
  case precision
  /// |P ∩ T| / |T|, the accuracy of the class.
  case recall
}
