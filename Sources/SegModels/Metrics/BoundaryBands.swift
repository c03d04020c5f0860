import SegEngine

/// Bands of given widths around the boundaries of a label map.
struct BoundaryBands {
  /// Distances up to this width are computed with 8-bit vector arithmetic, larger ones by the distance transform.
  private static let largestVectorWidth = 64

  /// For each pixel, the index in `widths` of the narrowest band that contains it, or `widths.count` if none does;
  /// `[height, width]` row by row. A band of width w contains the pixels at a distance below w from a boundary pixel.
  ///
  /// - Parameters:
  ///   - boundaries: The boundary pixels.
  ///   - widths: Widths in pixels in ascending order, at most 254.
  ///   - workers: The threads to run on.
  static func narrowest(around boundaries: BinaryMask, widths: [Int], on workers: WorkerPool) -> [UInt8] {
    precondition(widths.count < 255 && widths == widths.sorted() && widths.allSatisfy { $0 > 0 })
    let outside = UInt8(widths.count)
    guard let widest = widths.last, !boundaries.isEmpty else {
      return Array(repeating: outside, count: boundaries.isSet.count)
    }
    func band(_ squared: Int) -> UInt8 { UInt8(widths.firstIndex { squared < $0 * $0 } ?? widths.count) }
    let (width, height) = (boundaries.width, boundaries.height)
    guard widest <= largestVectorWidth else {
      let distances = DistanceTransform.squaredDistances(to: boundaries, on: workers)
      // Limit widths beyond the image's diagonal: their squares could overflow Int.
      let largest = height + width
      return distances.map { squared in
        UInt8(widths.firstIndex { $0 > largest || squared < $0 * $0 } ?? widths.count)
      }
    }
    let columns = columnDistances(boundaries, limit: widest, workers)
    // A table of the band for every possible squared distance: at most the sum of two squares of the widest width.
    let bands = (0...2 * widest * widest).map(band)
    return Array(unsafeUninitializedCapacity: width * height) { result, count in
      columns.withUnsafeBufferPointer { columns in
        workers.forEachRange(height, grain: 16) { rows, _ in
          var (squares, nearest) = ([UInt16](), [UInt16](repeating: 0, count: width))
          squares = Array(repeating: UInt16(widest * widest), count: width + 2 * widest)
          for row in rows {
            let result = result.baseAddress! + row * width
            let columns = columns.baseAddress! + row * width
            for column in 0..<width { squares[widest + column] = UInt16(columns[column]) &* UInt16(columns[column]) }
            squares.withUnsafeBufferPointer { squares in
              nearest.withUnsafeMutableBufferPointer { nearest in
                let (middle, nearest) = (squares.baseAddress! + widest, nearest.baseAddress!)
                for column in 0..<width { nearest[column] = middle[column] }
                for step in 1..<max(2, widest) {
                  let square = UInt16(step * step)
                  let (left, right) = (middle - step, middle + step)
                  for column in 0..<width {
                    nearest[column] = min(nearest[column], min(left[column], right[column]) &+ square)
                  }
                }
                bands.withUnsafeBufferPointer { bands in
                  for column in 0..<width { (result + column).initialize(to: bands[Int(nearest[column])]) }
                }
              }
            }
          }
        }
      }
      count = width * height
    }
  }

  /// Distances to the mask within each column, clamped to `limit`.
  private static func columnDistances(_ mask: BinaryMask, limit: Int, _ workers: WorkerPool) -> [UInt8] {
    let (width, height, limit) = (mask.width, mask.height, UInt8(limit))
    return Array(unsafeUninitializedCapacity: width * height) { result, count in
      mask.isSet.withUnsafeBufferPointer { isSet in
        workers.forEachRange(width, grain: 256) { columns, _ in
          let mask = isSet.baseAddress! + columns.lowerBound
          let distances = result.baseAddress! + columns.lowerBound
          for column in 0..<columns.count { distances[column] = mask[column] ? 0 : limit }
          for row in 1..<max(1, height) {
            let (above, here, set) = (distances + (row - 1) * width, distances + row * width, mask + row * width)
            for column in 0..<columns.count { here[column] = set[column] ? 0 : min(above[column] &+ 1, limit) }
          }
          for row in stride(from: height - 2, through: 0, by: -1) {
            let (below, here) = (distances + (row + 1) * width, distances + row * width)
            for column in 0..<columns.count { here[column] = min(here[column], below[column] &+ 1) }
          }
        }
      }
      count = width * height
    }
  }
}
