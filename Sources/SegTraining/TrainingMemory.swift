/// The memory for the maps of a step.
public enum TrainingMemory: Sendable, Hashable {
  /// Every map that the gradients read is kept.
  case unlimited
  /// The backward pass computes as many maps again as the number of bytes asks for, those first that free the most bytes for each
  /// second (Chen et al. 2016). Weights, the optimiser's variables and scratch memory are not part of it. A budget that cannot be kept gives
  /// the smallest step that was found.
  case budget(Int)
}
