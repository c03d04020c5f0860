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

  /// The pixels of a label in a part of a map.
  init(_ labels: LabelMap, label: UInt16, in box: PixelBox) {
    var isSet: [Bool] = []
    isSet.reserveCapacity(box.width * box.height)
    for row in box.rows {
      for value in labels.labels[
        row * labels.width + box.columns.lowerBound..<row * labels.width + box.columns.upperBound]
      {
        isSet.append(value == label)
      }
    }
    self.init(width: box.width, height: box.height, isSet: isSet)
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

/// A rectangle of pixels.
struct PixelBox: Hashable {
  var rows: Range<Int>
  var columns: Range<Int>

  var width: Int { columns.count }
  var height: Int { rows.count }

  /// For each class the smallest rectangle with all of its pixels in both maps and one pixel more on each side, within the image;
  /// `nil` for classes that do not occur. Boundaries of a class, and distances between them, are the same in the rectangle as in
  /// the whole image. Labels that are no class are passed over.
  static func ofClasses(_ classes: Int, in prediction: LabelMap, _ truth: LabelMap) -> [PixelBox?] {
    var boxes = [PixelBox?](repeating: nil, count: classes)
    func include(_ label: Int, _ row: Int, _ columns: Range<Int>) {
      guard label < classes else { return }
      if let box = boxes[label] {
        boxes[label] = PixelBox(
          rows: box.rows.lowerBound..<row + 1,
          columns: min(box.columns.lowerBound, columns.lowerBound)..<max(box.columns.upperBound, columns.upperBound))
      } else {
        boxes[label] = PixelBox(rows: row..<row + 1, columns: columns)
      }
    }
    for row in 0..<truth.height {
      for map in [prediction, truth] {
        // Runs of one label are included at once.
        var start = 0
        while start < map.width {
          let label = map.labels[row * map.width + start]
          var end = start + 1
          while end < map.width && map.labels[row * map.width + end] == label { end += 1 }
          include(Int(label), row, start..<end)
          start = end
        }
      }
    }
    return boxes.map { box in
      box.map {
        PixelBox(
          rows: max(0, $0.rows.lowerBound - 1)..<min(truth.height, $0.rows.upperBound + 1),
          columns: max(0, $0.columns.lowerBound - 1)..<min(truth.width, $0.columns.upperBound + 1))
      }
    }
  }
}

extension LabelMap {
  /// The map with `label` wherever another map has it.
  func hidden(where other: LabelMap, is label: UInt16?) -> LabelMap {
    guard let label, other.labels.contains(label) else { return self }
    return LabelMap(
      width: width, height: height, labels: zip(labels, other.labels).map { $1 == label ? label : $0 })
  }
}
