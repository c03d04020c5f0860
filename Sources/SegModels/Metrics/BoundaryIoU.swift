import SegEngine

/// Boundary IoU: the IoU of the parts of prediction and truth that lie near their own boundaries (Cheng et al.,
/// Boundary IoU, 2021).
///
/// For each class, only pixels within d pixels of the boundary count, by chessboard distance; the image edge is
/// boundary too. d is a share of the image's diagonal, rounded to the nearest integer and at least 1. Intersections and
/// unions are summed over the images.
public struct BoundaryIoU: Sendable, Hashable {
  /// d as a share of the image's diagonal; the paper uses 0.02.
  public let diagonalShare: Double
  /// Pixels whose true label is this one are ignored; the prediction there belongs to no class.
  public let ignoreLabel: UInt16?
  /// For each class, the number of pixels in both boundary regions.
  public private(set) var intersections: [Int]
  /// For each class, the number of pixels in either boundary region.
  public private(set) var unions: [Int]

  /// Creates empty counts.
  public init(
    classes: Int, diagonalShare: Double = 0.02, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel
  ) {
    self.diagonalShare = diagonalShare
    self.ignoreLabel = ignoreLabel
    intersections = Array(repeating: 0, count: classes)
    unions = intersections
  }

  /// d for an image of this size, in pixels.
  public func bandWidth(height: Int, width: Int) -> Int {
    max(1, Int((diagonalShare * Double(height * height + width * width).squareRoot()).rounded(.toNearestOrEven)))
  }

  /// Adds one image. Labels outside the classes are skipped.
  ///
  /// - Throws: ``MetricError`` if the sizes differ.
  public mutating func add(
    prediction: LabelMap, truth: LabelMap, on workers: WorkerPool = .shared
  ) throws(MetricError) {
    add(try ComparedMaps(prediction: prediction, truth: truth, ignoreLabel: ignoreLabel, on: workers), on: workers)
  }

  mutating func add(_ maps: ComparedMaps, on workers: WorkerPool) {
    // The pixels of a class that are not near its boundary are those that remain after an erosion.
    let (isInnerPredicted, isInnerTrue) = (UInt8(1), UInt8(2))
    let reach = bandWidth(height: maps.truth.height, width: maps.truth.width)
    var marks = [UInt8](repeating: 0, count: maps.truth.labels.count)
    SurroundedPixels.mark(isInnerPredicted, in: maps.prediction, reach: reach, into: &marks, on: workers)
    SurroundedPixels.mark(isInnerTrue, in: maps.truth, reach: reach, into: &marks, on: workers)
    // For each class, and in the last place for all labels outside the classes: the pixels near the boundary of the
    // prediction, of the truth, and of both.
    let size = 3 * (unions.count + 1)
    var counts = [Int](repeating: 0, count: workers.threadCount * size)
    let classes = unions.count
    counts.withUnsafeMutableBufferPointer { counts in
      LabelRuns.forEachRange(
        truth: maps.truth.labels, prediction: maps.prediction.labels, marks: marks, on: workers
      ) { runs, worker in
        let counts = counts.baseAddress! + worker * size
        runs.forEach { truth, prediction, mark, count in
          if mark & isInnerPredicted == 0 { counts[3 * min(Int(prediction), classes)] += count }
          if mark & isInnerTrue == 0 { counts[3 * min(Int(truth), classes) + 1] += count }
          if mark == 0 && truth == prediction { counts[3 * min(Int(truth), classes) + 2] += count }
        }
      }
    }
    for label in unions.indices where maps.ignoreLabel.map({ Int($0) != label }) ?? true {
      for worker in 0..<workers.threadCount {
        let place = worker * size + 3 * label
        intersections[label] += counts[place + 2]
        unions[label] += counts[place] + counts[place + 1] - counts[place + 2]
      }
    }
  }

  /// The boundary IoU of a class, or `nil` if it does not occur.
  public func value(of label: Int) -> Double? {
    unions[label] == 0 ? nil : Double(intersections[label]) / Double(unions[label])
  }

  /// Adds the counts of another value with the same options.
  public mutating func merge(_ other: BoundaryIoU) {
    precondition(unions.count == other.unions.count, "\(unions.count) and \(other.unions.count) classes")
    for label in unions.indices {
      intersections[label] += other.intersections[label]
      unions[label] += other.unions[label]
    }
  }

  /// Adds classes with zero counts, up to `count` classes.
  mutating func extend(to count: Int) {
    intersections += Array(repeating: 0, count: count - intersections.count)
    unions += Array(repeating: 0, count: count - unions.count)
  }

  /// Sets all counts to zero.
  public mutating func reset() {
    intersections = Array(repeating: 0, count: intersections.count)
    unions = intersections
  }
}
