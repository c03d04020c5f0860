/// A label map: one class index per pixel, rows from the top.
public struct LabelMap: Sendable, Equatable {
  /// The ignore label of most data sets. Losses and metrics ignore its pixels by default.
  public static let defaultIgnoreLabel: UInt16 = 255

  /// The label of unlabelled pixels. Negative numbers in files are read as this label. No class has it.
  public static let unlabelled: UInt16 = .max

  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// `height * width` class indices, row by row.
  public var labels: [UInt16]

  /// Creates a label map from labels.
  ///
  /// - Precondition: There are `height * width` labels.
  public init(width: Int, height: Int, labels: [UInt16]) {
    precondition(
      width >= 0 && height >= 0 && labels.count == width * height, "\(labels.count) labels for \(width)×\(height)")
    self.width = width
    self.height = height
    self.labels = labels
  }

  /// Creates a label map with the same label at every pixel.
  public init(width: Int, height: Int, repeating label: UInt16 = 0) {
    self.init(width: width, height: height, labels: Array(repeating: label, count: width * height))
  }

  /// The label of a pixel.
  public subscript(row: Int, column: Int) -> UInt16 {
    get { labels[row * width + column] }
    set { labels[row * width + column] = newValue }
  }

  /// The number of pixels of each label that occurs.
  public var pixelCounts: [UInt16: Int] {
    var counts = [Int](repeating: 0, count: 1 << 16)
    for label in labels { counts[Int(label)] += 1 }
    var result: [UInt16: Int] = [:]
    for (label, count) in counts.enumerated() where count > 0 { result[UInt16(label)] = count }
    return result
  }
}

extension LabelMap: CustomStringConvertible {
  /// The size and the number of pixels of each label, at most eight of them.
  public var description: String {
    let counts = pixelCounts.sorted { $0.key < $1.key }
    let listed = counts.prefix(8).map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    return "LabelMap(\(width)×\(height), pixels of labels \(listed)\(counts.count > 8 ? ", …" : ""))"
  }
}
