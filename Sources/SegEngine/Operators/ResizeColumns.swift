/// The two steps of a resize of float32, the width first: each input row is brought to the output's width once, and output rows are
/// weighted sums of such rows.
///
/// For maps of few channels, whose rows then are long runs of vector code; with the height first (``ResizeLines``) each output pixel
/// would be a step of its own.
struct ResizeColumns: Sendable {
  /// Scratch memory in bytes that a worker needs, a multiple of 64.
  let byteCount: Int
  private let input: Shape
  private let output: Shape
  private let rowTaps, columnTaps: Int
  private let rowIndices: ContiguousArray<Int>
  private let rowWeights, columnWeights: ContiguousArray<Float>
  private let columnIndices: ContiguousArray<Int>
  /// Floats of an output row, and from one kept row to the next.
  private let lineFloats, lineStride: Int

  init(_ resize: Resize, from x: Shape, to y: Shape) {
    let (rows, columns) = resize.taps(from: x, to: y)
    (input, output) = (x, y)
    (rowTaps, columnTaps) = (rows.taps, columns.taps)
    rowIndices = ContiguousArray(rows.indices.joined())
    rowWeights = ContiguousArray(rows.weights.joined())
    columnIndices = ContiguousArray(columns.indices.joined())
    columnWeights = ContiguousArray(columns.weights.joined())
    lineFloats = y.width * y.channels
    lineStride = (lineFloats + 15) / 16 * 16
    // The kept rows; before them which rows they are, where they lie, and the offsets of the pixels of an input row.
    byteCount = 128 + (columnIndices.count + 7) / 8 * 64 + 4 * rowTaps * lineStride
  }

  /// Output rows, counted over all images.
  func rows(
    _ range: Range<Int>, of x: TensorView, _ y: MutableTensorView, in memory: UnsafeMutableRawPointer,
    on backend: any Backend
  ) {
    let kept = memory.assumingMemoryBound(to: Int.self)
    let offsets = (memory + 64).assumingMemoryBound(to: Int.self)
    let pixels = (memory + 128).assumingMemoryBound(to: Int.self)
    let lines = (memory + 128 + (columnIndices.count + 7) / 8 * 64).assumingMemoryBound(to: Float.self)
    kept.update(repeating: -1, count: rowTaps)
    for index in columnIndices.indices { pixels[index] = columnIndices[index] * x.rowStride }
    for row in range {
      let (image, outRow) = row.quotientAndRemainder(dividingBy: output.height)
      for tap in 0..<rowTaps {
        let inRow = image * input.height + rowIndices[outRow * rowTaps + tap]
        // Taps are neighbours, so that each has a place of its own.
        let place = inRow % rowTaps
        offsets[tap] = place * lineStride
        if kept[place] == inRow { continue }
        kept[place] = inRow
        columnWeights.withUnsafeBufferPointer { weights in
          backend.interpolate(
            x.floats + inRow * input.width * x.rowStride, offsets: pixels, weights: weights.baseAddress!,
            taps: columnTaps, pixels: output.width, channels: output.channels, lines + offsets[tap],
            yStride: output.channels)
        }
      }
      rowWeights.withUnsafeBufferPointer { weights in
        let weights = weights.baseAddress! + outRow * rowTaps
        let target = y.floats + row * output.width * y.rowStride
        if y.rowStride == output.channels {
          backend.interpolate(
            lines, offsets: offsets, weights: weights, taps: rowTaps, pixels: 1, channels: lineFloats, target,
            yStride: lineFloats)
        } else {
          for column in 0..<output.width {
            backend.interpolate(
              lines + column * output.channels, offsets: offsets, weights: weights, taps: rowTaps, pixels: 1,
              channels: output.channels, target + column * y.rowStride, yStride: output.channels)
          }
        }
      }
    }
  }
}
