import SegEngine

/// The definition of a mask's boundary pixels: pixels of the mask with a neighbour outside it.
public struct BoundaryRule: Sendable, Hashable {
  /// The neighbourhood of a pixel.
  public enum Neighbours: Sendable, Hashable, CaseIterable {
    /// The four pixels that share an edge.
    case four
    /// The eight pixels that share an edge or a corner.
    case eight
  }

  /// The neighbourhood of a pixel.
  public var neighbours: Neighbours
  /// Whether positions beyond the image edge are outside the mask, so that a mask has a boundary along the edge.
  public var imageEdgeIsOutside: Bool

  /// Creates a rule.
  public init(neighbours: Neighbours = .four, imageEdgeIsOutside: Bool) {
    self.neighbours = neighbours
    self.imageEdgeIsOutside = imageEdgeIsOutside
  }

  /// The boundary within the image: the image edge is no boundary (scikit-image's `find_boundaries` in mode `inner`).
  public static let within = BoundaryRule(imageEdgeIsOutside: false)
  /// The closed boundary: the mask minus its erosion by a cross (as in MONAI and in MATLAB's `bwperim`).
  public static let closed = BoundaryRule(imageEdgeIsOutside: true)

  fileprivate var steps: [(row: Int, column: Int)] {
    let cross = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    return neighbours == .four ? cross : cross + [(-1, -1), (-1, 1), (1, -1), (1, 1)]
  }
}

extension BinaryMask {
  /// The boundary pixels of the mask: its pixels with a neighbour outside.
  ///
  /// - Parameters:
  ///   - rule: The neighbourhood, and whether the image edge is outside.
  ///   - unknown: Pixels of unknown class. They do not make their neighbours boundary pixels.
  public func boundary(_ rule: BoundaryRule, unknown: BinaryMask? = nil) -> BinaryMask {
    precondition(unknown == nil || unknown?.extent == extent, "both masks must have the same size")
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
  /// The pixels that have another label than one of their four neighbours.
  ///
  /// - Parameters:
  ///   - ignoreLabel: Pixels of this label are no boundary. Neither are their neighbours, unless `ignoredBorders` is
  ///     set.
  ///   - ignoredBorders: Whether a border with the ignore label is a boundary.
  ///   - workers: The threads to run on.
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
              // Compare four labels at once. If all equal their neighbours, none of the four is at a boundary.
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
