/// A binary mask of an image, rows from the top.
public struct BinaryMask: Sendable, Hashable {
  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// `height * width` values, row by row: whether the pixel is in the mask.
  public var isSet: [Bool]

  /// Creates a mask from values.
  ///
  /// - Precondition: There are `height * width` values.
  public init(width: Int, height: Int, isSet: [Bool]) {
    precondition(
      width >= 0 && height >= 0 && isSet.count == width * height, "\(isSet.count) values: \(width)×\(height)")
    self.width = width
    self.height = height
    self.isSet = isSet
  }

  /// The mask of the pixels with a label.
  public init(_ labels: LabelMap, label: UInt16) {
    self.init(width: labels.width, height: labels.height, isSet: labels.labels.map { $0 == label })
  }

  /// Whether no pixel is in the mask.
  public var isEmpty: Bool { !isSet.contains(true) }

  /// The number of pixels in the mask.
  public var count: Int { isSet.count { $0 } }

  /// The mask of the pixels outside this mask.
  public var complement: BinaryMask { BinaryMask(width: width, height: height, isSet: isSet.map { !$0 }) }

  /// Height and width.
  public var extent: Extent2D { Extent2D(height: height, width: width) }
}

extension BinaryMask: CustomStringConvertible {
  /// The size and the number of pixels in the mask.
  public var description: String { "BinaryMask(\(width)×\(height), \(isSet.count { $0 }) pixels set)" }
}
