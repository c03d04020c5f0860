import SegEngine

/// Options common to the overlap losses (Dice, Jaccard, Tversky): 1 minus a ratio of soft counts, for each class of
/// each image or of the batch.
public struct OverlapOptions: Sendable, Hashable {
  /// The region that soft counts are summed over.
  public enum Region: Sendable, Hashable, CaseIterable {
    /// All images of the batch together.
    case batch
    /// Each image separately; the loss is the mean over images and classes.
    case image
  }

  /// The loss of a class that has no pixel in a region.
  public enum AbsentClass: Sendable, Hashable, CaseIterable {
    /// The class is left out of the mean.
    case leftOut
    /// The class has loss 0 and stays in the mean (segmentation-models-pytorch).
    case zero
    /// The class has the loss of the formula, so false positives are penalised (MONAI).
    case counted
  }

  /// How classes are combined.
  public enum Classes: Sendable, Hashable, CaseIterable {
    /// One ratio per class, then the weighted mean.
    case averaged
    /// The soft counts of all classes are summed into one ratio. Class weights are not used.
    case flattened
  }

  /// The activation that turns logits into probabilities. `nil` is a sigmoid for one channel and softmax for more.
  public var activation: LossActivation?
  /// The region that soft counts are summed over.
  public var region: Region = .batch
  /// The loss of absent classes.
  public var absentClasses: AbsentClass = .leftOut
  /// How classes are combined.
  public var classes: Classes = .averaged
  /// The smoothing s, added to numerator and denominator.
  public var smoothing = 1e-5
  /// Whether class 0 contributes, if there is more than one channel.
  public var includesBackground = true
  /// One weight per channel; `nil` is 1 for each.
  public var classWeights: [Double]?
  /// Pixels of this label are ignored.
  public var ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel
  /// The mean divides by the sum of the weights of the classes that contribute, over all regions. Elements are
  /// `[regions, classes]`, where the regions are the images or 1, and classes is 1 if flattened.
  public var reduction: LossReduction = .mean

  /// Creates the default options.
  public init() {}
}
