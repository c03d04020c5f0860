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

  /// The pixels of the mask with a pixel outside, or the image's edge, in the square of 2 · `width` + 1 pixels around them: the
  /// mask without its erosion by that square.
  func band(width band: Int) -> BinaryMask {
    let side = 2 * band + 1
    // Rows first, then columns of what is left: a pixel stays in the erosion where runs of `side` pixels are centred on it.
    var eroded = [Bool](repeating: false, count: isSet.count)
    for row in 0..<height {
      var run = 0
      for column in 0..<width {
        run = isSet[row * width + column] ? run + 1 : 0
        if run >= side { eroded[row * width + column - band] = true }
      }
    }
    var result = self
    var runs = [Int](repeating: 0, count: width)
    for row in 0..<height {
      for column in 0..<width {
        runs[column] = eroded[row * width + column] ? runs[column] + 1 : 0
        if runs[column] >= side { result.isSet[(row - band) * width + column] = false }
      }
    }
    return result
  }
}

extension LabelMap {
  /// The pixels with one of the four neighbours of another label.
  ///
  /// - Parameter ignoreLabel: Pixels of this label, and neighbours of it unless `ignoredBorders`, make no boundary.
  func labelBoundaries(ignoring ignoreLabel: UInt16?, ignoredBorders: Bool) -> BinaryMask {
    var result = BinaryMask(width: width, height: height, isSet: Array(repeating: false, count: labels.count))
    for row in 0..<height {
      for column in 0..<width {
        let index = row * width + column
        let label = labels[index]
        if label == ignoreLabel { continue }
        func differs(_ other: Int) -> Bool {
          labels[other] != label && (ignoredBorders || labels[other] != ignoreLabel)
        }
        result.isSet[index] =
          (row > 0 && differs(index - width)) || (row + 1 < height && differs(index + width))
          || (column > 0 && differs(index - 1)) || (column + 1 < width && differs(index + 1))
      }
    }
    return result
  }
}
