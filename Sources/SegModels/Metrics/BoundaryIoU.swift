import SegEngine

/// The IoU of the parts of prediction and truth near their own boundaries (Cheng et al., Boundary IoU, 2021).
///
/// Of each class the pixels within d pixels of the boundary are taken, by chessboard distance, the image's edge counting as boundary; d
/// is a share of the image's diagonal, to the nearest whole number and at least 1. Intersections and unions are summed over the
/// images.
public struct BoundaryIoU: Sendable, Hashable {
  /// d as a share of the image's diagonal; 0.02 is the paper's.
  public let diagonalShare: Double
  /// Truth that is left out: what is predicted there belongs to no class.
  public let ignoreLabel: UInt16?
  /// Pixels near both boundaries, by class.
  public private(set) var intersections: [Int]
  /// Pixels near either boundary, by class.
  public private(set) var unions: [Int]

  /// Makes counts of no images.
  public init(
    classes: Int, diagonalShare: Double = 0.02, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel
  ) {
    self.diagonalShare = diagonalShare
    self.ignoreLabel = ignoreLabel
    intersections = Array(repeating: 0, count: classes)
    unions = intersections
  }

  /// d of an image.
  public func bandWidth(height: Int, width: Int) -> Int {
    max(1, Int((diagonalShare * Double(height * height + width * width).squareRoot()).rounded(.toNearestOrEven)))
  }

  /// Adds one image. Labels that are no class are passed over.
  ///
  /// - Throws: ``MetricError`` where the sizes differ.
  public mutating func add(
    prediction: LabelMap, truth: LabelMap, on workers: WorkerPool = .shared
  ) throws(MetricError) {
    add(try ComparedMaps(prediction: prediction, truth: truth, ignoreLabel: ignoreLabel, on: workers), on: workers)
  }

  mutating func add(_ maps: ComparedMaps, on workers: WorkerPool) {
    // The pixels of a class that are not near its boundary are those that its erosion keeps.
    let (isInnerPredicted, isInnerTrue) = (UInt8(1), UInt8(2))
    let reach = bandWidth(height: maps.truth.height, width: maps.truth.width)
    var marks = [UInt8](repeating: 0, count: maps.truth.labels.count)
    SurroundedPixels.mark(isInnerPredicted, in: maps.prediction, reach: reach, into: &marks, on: workers)
    SurroundedPixels.mark(isInnerTrue, in: maps.truth, reach: reach, into: &marks, on: workers)
    // Of each class, and at the end of all labels that are none: pixels near the boundary of the prediction, of the truth, of both.
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

  /// The boundary IoU of a class, or `nil` where it does not occur.
  public func value(of label: Int) -> Double? {
    unions[label] == 0 ? nil : Double(intersections[label]) / Double(unions[label])
  }

  /// Adds what others have counted under the same conventions.
  public mutating func merge(_ other: BoundaryIoU) {
    precondition(unions.count == other.unions.count, "\(unions.count) and \(other.unions.count) classes")
    for label in unions.indices {
      intersections[label] += other.intersections[label]
      unions[label] += other.unions[label]
    }
  }

  /// Makes room for further classes, which no image had.
  mutating func extend(to count: Int) {
    intersections += Array(repeating: 0, count: count - intersections.count)
    unions += Array(repeating: 0, count: count - unions.count)
  }

  /// Forgets all images.
  public mutating func reset() {
    intersections = Array(repeating: 0, count: intersections.count)
    unions = intersections
  }
}
