import SegEngine

/// Pixels that are surrounded by their own label: the square of 2 · `reach` + 1 pixels around the pixel lies in the
/// image and holds one label. They are the pixels that remain after an erosion of their class by that square, found for
/// all classes at once.
struct SurroundedPixels {
  /// The state of a pixel within its row. A pixel is horizontally surrounded if it is in the middle of 2 · `reach` + 1
  /// pixels of its label.
  private enum State {
    /// Not horizontally surrounded.
    static let none: UInt8 = 0
    /// Horizontally surrounded, in the first row or below a pixel of another label.
    static let first: UInt8 = 1
    /// Horizontally surrounded, below a pixel of the same label.
    static let below: UInt8 = 2
  }

  /// Sets the bits of `mark` in `marks` at the surrounded pixels of `map`.
  static func mark(_ mark: UInt8, in map: LabelMap, reach: Int, into marks: inout [UInt8], on workers: WorkerPool) {
    let (width, height, side) = (map.width, map.height, 2 * reach + 1)
    precondition(marks.count == map.labels.count && reach > 0)
    guard width >= side, height >= side else { return }
    var states = [UInt8](repeating: State.none, count: width * height)
    states.withUnsafeMutableBufferPointer { states in
      marks.withUnsafeMutableBufferPointer { marks in
        map.labels.withUnsafeBufferPointer { labels in
          workers.forEachRange(height, grain: 16) { rows, _ in
            for row in rows {
              classify(
                labels.baseAddress! + row * width, isFirst: row == 0, width, reach, states.baseAddress! + row * width)
            }
          }
          workers.forEachRange(width, grain: 256) { columns, _ in
            var runs = [Int32](repeating: 0, count: columns.count)
            runs.withUnsafeMutableBufferPointer { runs in
              for row in 0..<height {
                let states = states.baseAddress! + row * width + columns.lowerBound
                // The middle of a vertical run of `side` pixels that ends at this row.
                let middle = row - reach
                for column in runs.indices {
                  let state = states[column]
                  runs[column] = state == State.below ? runs[column] &+ 1 : Int32(state)
                }
                guard row >= side - 1 else { continue }
                let marks = marks.baseAddress! + middle * width + columns.lowerBound
                for column in runs.indices where runs[column] >= Int32(side) { marks[column] |= mark }
              }
            }
          }
        }
      }
    }
  }

  private static func classify(
    _ labels: UnsafePointer<UInt16>, isFirst: Bool, _ width: Int, _ reach: Int, _ states: UnsafeMutablePointer<UInt8>
  ) {
    let side = 2 * reach + 1
    var start = 0
    while start + side <= width {
      let label = labels[start]
      // Compare four labels at once while they are equal.
      let four = UInt64(label) &* 0x0001_0001_0001_0001
      var end = start + 1
      while end + 4 <= width, UnsafeRawPointer(labels + end).loadUnaligned(as: UInt64.self) == four { end += 4 }
      while end < width, labels[end] == label { end += 1 }
      if end - start >= side {
        for column in start + reach..<end - reach {
          states[column] = isFirst || labels[column - width] != label ? State.first : State.below
        }
      }
      start = end
    }
  }
}
