import SegEngine
import SegIO

/// An image of a validation with its mask and prediction.
public struct ValidatedImage: Sendable {
  /// The index among the images of the validation.
  public let index: Int
  /// The files.
  public let pair: LabelledImages.Pair
  /// The image.
  public let image: Image
  /// The classes of the mask; `LabelMap.unlabelled` is ignored.
  public let truth: LabelMap
  /// The predicted classes.
  public let prediction: LabelMap
}
