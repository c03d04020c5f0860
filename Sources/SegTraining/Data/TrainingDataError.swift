import SegEngine

/// A data set that cannot be trained with.
public enum TrainingDataError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A mask has another size than its image.
  case size(mask: String, of: Extent2D, image: Extent2D)
  /// A mask has a label that is no class and is not ignored.
  case label(mask: String, label: UInt16, classes: Int)
  /// All labels are ignored.
  case noLabels(directory: String)
  /// The masks hold no labels but 0 and one large number, which may be foreground or ignored.
  case onlyIgnored(mask: String, label: UInt16)
  /// All pixels belong to one class.
  case oneClass(directory: String, label: Int)
  /// There are too few images to train and validate.
  case tooFewImages(directory: String, count: Int)
  /// An image has fewer channels than the others.
  case channels(image: String, count: Int, expected: Int)
  /// A list of the images of a part is not valid.
  case split(list: String, reason: String)
  /// A folder has neither images and masks nor parts with them.
  case layout(directory: String)

  public var description: String {
    func text(_ size: Extent2D) -> String { "\(size.height)×\(size.width)" }
    switch self {
    case .size(let mask, let size, let image):
      return "\(mask): has \(text(size)) pixels, its image \(text(image))"
    case .label(let mask, let label, let classes):
      return "\(mask): label \(label) is none of \(classes) classes, and is not ignored"
    case .noLabels(let directory): return "\(directory): all pixels are ignored"
    case .onlyIgnored(let mask, let label):
      return "\(mask): the masks hold no labels but 0 and \(label), which may be foreground or ignored"
    case .oneClass(let directory, let label):
      return "\(directory): all pixels have the label \(label), so that there is nothing to learn"
    case .tooFewImages(let directory, let count):
      return "\(directory): \(count == 1 ? "1 image is" : "\(count) images are") too few to train and validate"
    case .channels(let image, let count, let expected):
      return "\(image): has \(count) channels, the first image \(expected)"
    case .split(let list, let reason): return "\(list): \(reason)"
    case .layout(let directory):
      return "\(directory): has neither images and masks, nor train and val with images and masks"
    }
  }
}
