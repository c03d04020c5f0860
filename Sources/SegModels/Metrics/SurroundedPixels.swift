import SegEngine

/// Which pixels of a label map are surrounded by their own label: the square of 2 · `reach` + 1 pixels around them lies in the image
/// and holds one label. They are what the erosion of their class by that square keeps, of all classes at once.
struct SurroundedPixels {
  /// What a pixel is in its row: not amid 2 · `reach` + 1 pixels of its label, amid them below a pixel that is not or of another
  /// label, or amid them below one of its own label.
  private enum State {
    static let apart: UInt8 = 0
    static let first: UInt8 = 1
    static let further: UInt8 = 2
  }

  /// Sets the bits of `mark` at the pixels of `map` that are surrounded.
  static func mark(_ mark: UInt8, in map: LabelMap, reach: Int, into marks: inout [UInt8], on workers: WorkerPool) {
    let (width, height, side) = (map.width, map.height, 2 * reach + 1)
    precondition(marks.count == map.labels.count && reach > 0)
    guard width >= side, height >= side else { return }
    var states = [UInt8](repeating: State.apart, count: width * height)
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
                // A run of `side` pixels that ends here has its middle so many rows above.
                let middle = row - reach
                for column in runs.indices {
                  let state = states[column]
                  runs[column] = state == State.further ? runs[column] &+ 1 : Int32(state)
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
      // Four labels at once, as long as they are the same.
      let four = UInt64(label) &* 0x0001_0001_0001_0001
      var end = start + 1
      while end + 4 <= width, UnsafeRawPointer(labels + end).loadUnaligned(as: UInt64.self) == four { end += 4 }
      while end < width, labels[end] == label { end += 1 }
      if end - start >= side {
        for column in start + reach..<end - reach {
          states[column] = isFirst || labels[column - width] != label ? State.first : State.further
        }
      }
      start = end
    }
  }
}
