import SegEngine

/// Which pixels of a mask lie at its boundary: those with a neighbour outside.
public struct BoundaryRule: Sendable, Hashable {
  /// Which pixels are neighbours.
  public enum Neighbours: Sendable, Hashable, CaseIterable {
    /// The four that share an edge.
    case four
    /// The eight that share an edge or a corner.
    case eight
  }

  /// Which pixels are neighbours.
  public var neighbours: Neighbours
  /// Whether the image is surrounded by pixels outside, so that a mask that reaches its edge has a boundary there.
  public var imageEdgeIsOutside: Bool

  /// Makes a rule.
  public init(neighbours: Neighbours = .four, imageEdgeIsOutside: Bool) {
    self.neighbours = neighbours
    self.imageEdgeIsOutside = imageEdgeIsOutside
  }

  /// The boundary that is seen in the image; the image's edge is none (scikit-image's `find_boundaries` in mode `inner`).
  public static let within = BoundaryRule(imageEdgeIsOutside: false)
  /// A closed boundary (a mask without its erosion by a cross, as MONAI has it, or MATLAB's `bwperim`).
  public static let closed = BoundaryRule(imageEdgeIsOutside: true)

  fileprivate var steps: [(row: Int, column: Int)] {
    let cross = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    return neighbours == .four ? cross : cross + [(-1, -1), (-1, 1), (1, -1), (1, 1)]
  }
}

extension BinaryMask {
  /// The pixels of the mask with a neighbour outside.
  ///
  /// - Parameters:
  ///   - rule: What counts as a neighbour, and as outside.
  ///   - unknown: Pixels of which nobody knows whether they are outside: they make no boundary.
  public func boundary(_ rule: BoundaryRule, unknown: BinaryMask? = nil) -> BinaryMask {
    precondition(unknown == nil || unknown?.extent == extent, "masks of one size")
    let steps = rule.steps
    var result = BinaryMask(width: width, height: height, isSet: Array(repeating: false, count: isSet.count))
    for row in 0..<height {
      for column in 0..<width where isSet[row * width + column] {
        for step in steps {
          let (y, x) = (row + step.row, column + step.column)
          guard y >= 0, y < height, x >= 0, x < width else {
            guard rule.imageEdgeIsOutside else { continue }
            result.isSet[row * width + column] = true
            break
          }
          let neighbour = y * width + x
          if !isSet[neighbour] && unknown?.isSet[neighbour] != true {
            result.isSet[row * width + column] = true
            break
          }
        }
      }
    }
    return result
  }
}

extension LabelMap {
  /// The pixels with one of the four neighbours of another label.
  ///
  /// - Parameters:
  ///   - ignoreLabel: Pixels of this label, and neighbours of it unless `ignoredBorders`, make no boundary.
  ///   - ignoredBorders: Whether a neighbour of that label makes one.
  ///   - workers: The threads.
  func labelBoundaries(ignoring ignoreLabel: UInt16?, ignoredBorders: Bool, on workers: WorkerPool) -> BinaryMask {
    var isSet = [Bool](repeating: false, count: labels.count)
    let (width, height) = (width, height)
    labels.withUnsafeBufferPointer { labels in
      isSet.withUnsafeMutableBufferPointer { isSet in
        func isBoundary(_ row: Int, _ column: Int) -> Bool {
          let index = row * width + column
          let label = labels[index]
          if label == ignoreLabel { return false }
          func differs(_ other: Int) -> Bool {
            labels[other] != label && (ignoredBorders || labels[other] != ignoreLabel)
          }
          return (row > 0 && differs(index - width)) || (row + 1 < height && differs(index + width))
            || (column > 0 && differs(index - 1)) || (column + 1 < width && differs(index + 1))
        }
        func four(_ index: Int) -> UInt64 {
          UnsafeRawPointer(labels.baseAddress! + index).loadUnaligned(as: UInt64.self)
        }
        workers.forEachRange(height, grain: 16) { rows, _ in
          for row in rows {
            var column = 0
            while column < width {
              let index = row * width + column
              // Four labels that are those around them are at no boundary.
              if row > 0, row + 1 < height, column > 0, column + 5 <= width {
                let here = four(index)
                let difference =
                  (here ^ four(index - 1)) | (here ^ four(index + 1)) | (here ^ four(index - width))
                  | (here ^ four(index + width))
                if difference != 0 {
                  for offset in 0..<4 { isSet[index + offset] = isBoundary(row, column + offset) }
                }
                column += 4
              } else {
                isSet[index] = isBoundary(row, column)
                column += 1
              }
            }
          }
        }
      }
    }
    return BinaryMask(width: width, height: height, isSet: isSet)
  }
}
