import SegEngine

/// An image with the class of each pixel, prepared for training.
public struct TrainingExample: Sendable {
  /// Float32 `[height, width, channels]`, with mean and deviation applied.
  public let pixels: Tensor
  /// The class of each pixel; `LabelMap.unlabelled` is ignored.
  public let labels: LabelMap
  /// `rowCounts[class][row]`: the pixels of a class in the rows before and including a row.
  private let rowCounts: [[Int32]]

  /// Makes an example.
  ///
  /// - Parameters:
  ///   - pixels: Float32 `[height, width, channels]`.
  ///   - labels: The class of each pixel, below `classes`, or `LabelMap.unlabelled`.
  ///   - classes: The number of classes.
  /// - Precondition: both have the same size.
  public init(pixels: Tensor, labels: LabelMap, classes: Int) {
    precondition(
      pixels.shape.rank == 3 && pixels.shape[0] == labels.height && pixels.shape[1] == labels.width,
      "pixels \(pixels.shape) and labels \(labels.height)×\(labels.width) have one size")
    self.pixels = pixels
    self.labels = labels
    var counts = Array(repeating: [Int32](repeating: 0, count: labels.height), count: classes)
    for row in 0..<labels.height {
      if row > 0 { for index in 0..<classes { counts[index][row] = counts[index][row - 1] } }
      for label in labels.labels[row * labels.width..<(row + 1) * labels.width] where label < classes {
        counts[Int(label)][row] += 1
      }
    }
    rowCounts = counts
  }

  /// The number of channels of the image.
  public var channels: Int { pixels.shape[2] }

  /// The bytes in memory.
  var byteCount: Int {
    4 * pixels.count + 2 * labels.labels.count + 4 * rowCounts.count * labels.height
  }

  /// The classes that occur, in order.
  var presentClasses: [Int] { rowCounts.indices.filter { (rowCounts[$0].last ?? 0) > 0 } }

  /// Draws a pixel among those of a class.
  ///
  /// - Precondition: the class occurs.
  func pixel(of label: Int, using generator: inout SeededGenerator) -> (row: Int, column: Int) {
    let counts = rowCounts[label]
    precondition((counts.last ?? 0) > 0, "class \(label) does not occur")
    var number = Int32.random(in: 0..<counts[counts.count - 1], using: &generator)
    let row = counts.firstIndex { $0 > number }!
    if row > 0 { number -= counts[row - 1] }
    for column in 0..<labels.width where Int(labels[row, column]) == label {
      if number == 0 { return (row, column) }
      number -= 1
    }
    preconditionFailure("the counts are those of the labels")
  }
}
