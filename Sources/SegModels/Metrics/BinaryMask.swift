import SegEngine

/// The pixels of an image that belong to something, rows from the top.
public struct BinaryMask: Sendable, Hashable {
  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// `height * width` values, row by row: whether a pixel belongs to it.
  public var isSet: [Bool]

  /// Makes a mask of given values.
  ///
  /// - Precondition: there is one value a pixel.
  public init(width: Int, height: Int, isSet: [Bool]) {
    precondition(
      width >= 0 && height >= 0 && isSet.count == width * height, "\(isSet.count) values: \(width)×\(height)")
    self.width = width
    self.height = height
    self.isSet = isSet
  }

  /// The pixels of a label.
  public init(_ labels: LabelMap, label: UInt16) {
    self.init(width: labels.width, height: labels.height, isSet: labels.labels.map { $0 == label })
  }

  /// Whether no pixel belongs to it.
  public var isEmpty: Bool { !isSet.contains(true) }

  /// Number of pixels that belong to it.
  public var count: Int { isSet.count { $0 } }

  /// The pixels that do not belong to it.
  public var complement: BinaryMask { BinaryMask(width: width, height: height, isSet: isSet.map { !$0 }) }

  /// Height and width.
  public var extent: Extent2D { Extent2D(height, width) }
}
