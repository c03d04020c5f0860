/// A segmentation: one class index a pixel, rows from the top.
public struct LabelMap: Sendable, Equatable {
  /// The label that says "this pixel counts for nothing", by the convention of most data sets.
  public static let defaultIgnoreLabel: UInt16 = 255

  /// The label of pixels that have none, as negative numbers in files are read. No class has it.
  public static let unlabelled: UInt16 = .max

  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// `height * width` class indices, row by row.
  public var labels: [UInt16]

  /// Makes a label map of given labels.
  ///
  /// - Precondition: there is one label a pixel.
  public init(width: Int, height: Int, labels: [UInt16]) {
    precondition(
      width >= 0 && height >= 0 && labels.count == width * height, "\(labels.count) labels for \(width)×\(height)")
    self.width = width
    self.height = height
    self.labels = labels
  }

  /// Makes a label map that holds one label everywhere.
  public init(width: Int, height: Int, repeating label: UInt16 = 0) {
    self.init(width: width, height: height, labels: Array(repeating: label, count: width * height))
  }

  /// The label of a pixel.
  public subscript(row: Int, column: Int) -> UInt16 {
    get { labels[row * width + column] }
    set { labels[row * width + column] = newValue }
  }
}
