/// A float32 resize along the width first: each input row is resized to the output's width once, and output rows are weighted sums of these
/// rows.
///
/// It is for maps of few channels, whose rows are long vector loops. With the height first (``ResizeLines``) each output pixel would be a
/// step of its own.
struct ResizeColumns: Sendable {
  /// Scratch memory in bytes that a worker needs, a multiple of 64.
  let byteCount: Int
  private let input: Shape
  private let output: Shape
  private let rowTaps, columnTaps: Int
  private let rowIndices: ContiguousArray<Int>
  private let rowWeights, columnWeights: ContiguousArray<Float>
  private let columnIndices: ContiguousArray<Int>
  /// Floats of an output row, and the stride of buffered rows.
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
    // The buffered rows. Before them: their indices, their offsets, and the offsets of the pixels of an input row.
    byteCount = 128 + (columnIndices.count + 7) / 8 * 64 + ElementType.float32.byteCount(of: rowTaps * lineStride)
  }

  /// Returns output rows, counted over all images.
  func rows(
    _ range: Range<Int>, of x: TensorView, _ y: MutableTensorView, in memory: UnsafeMutableRawPointer,
    on device: ComputeDevice
  ) {
    let lines = lines(of: x, in: memory)
    for row in range {
      gather(row, of: x, lines, on: device)
      let target = y.floats + row * output.width * y.rowStride
      if y.rowStride == output.channels {
        sum(row, of: lines, target, on: device)
      } else {
        rowWeights.withUnsafeBufferPointer { weights in
          for column in 0..<output.width {
            device.kernels.interpolate(
              lines.floats + column * output.channels, offsets: lines.offsets,
              weights: weights.baseAddress! + row % output.height * rowTaps, taps: rowTaps, pixels: 1,
              channels: output.channels, target + column * y.rowStride, yStride: output.channels)
          }
        }
      }
    }
  }

  /// Computes output rows, counted over all images, in `scratch` (``rowByteCount`` bytes), and passes each to `body`.
  func forEachRow(
    in range: Range<Int>, of x: TensorView, in memory: UnsafeMutableRawPointer, scratch: UnsafeMutablePointer<Float>,
    on device: ComputeDevice, _ body: (_ row: Int, _ values: UnsafePointer<Float>) -> Void
  ) {
    let lines = lines(of: x, in: memory)
    for row in range {
      gather(row, of: x, lines, on: device)
      sum(row, of: lines, scratch, on: device)
      body(row, scratch)
    }
  }

  /// Bytes of an output row, a multiple of 64.
  var rowByteCount: Int { ElementType.float32.byteCount(of: lineStride) }

  /// The buffer of input rows resized to the output's width.
  private struct Lines {
    /// The index of the input row in each slot.
    let kept: UnsafeMutablePointer<Int>
    /// The offsets of the rows that the current output row is a sum of.
    let offsets: UnsafeMutablePointer<Int>
    /// The offsets of an input row's pixels.
    let pixels: UnsafeMutablePointer<Int>
    let floats: UnsafeMutablePointer<Float>
  }

  private func lines(of x: TensorView, in memory: UnsafeMutableRawPointer) -> Lines {
    let lines = Lines(
      kept: memory.assumingMemoryBound(to: Int.self), offsets: (memory + 64).assumingMemoryBound(to: Int.self),
      pixels: (memory + 128).assumingMemoryBound(to: Int.self),
      floats: (memory + 128 + (columnIndices.count + 7) / 8 * 64).assumingMemoryBound(to: Float.self))
    lines.kept.update(repeating: -1, count: rowTaps)
    for index in columnIndices.indices { lines.pixels[index] = columnIndices[index] * x.rowStride }
    return lines
  }

  /// Resizes the input rows of an output row to the output's width, unless they are buffered.
  private func gather(_ row: Int, of x: TensorView, _ lines: Lines, on device: ComputeDevice) {
    let (image, outRow) = row.quotientAndRemainder(dividingBy: output.height)
    for tap in 0..<rowTaps {
      let inRow = image * input.height + rowIndices[outRow * rowTaps + tap]
      // The taps of an output row are neighbours, so each has its own slot.
      let place = inRow % rowTaps
      lines.offsets[tap] = place * lineStride
      if lines.kept[place] == inRow { continue }
      lines.kept[place] = inRow
      columnWeights.withUnsafeBufferPointer { weights in
        device.kernels.interpolate(
          x.floats + inRow * input.width * x.rowStride, offsets: lines.pixels, weights: weights.baseAddress!,
          taps: columnTaps, pixels: output.width, channels: output.channels, lines.floats + lines.offsets[tap],
          yStride: output.channels)
      }
    }
  }

  /// Computes an output row as the weighted sum of the buffered rows. Its pixels are contiguous.
  private func sum(_ row: Int, of lines: Lines, _ target: UnsafeMutablePointer<Float>, on device: ComputeDevice) {
    rowWeights.withUnsafeBufferPointer { weights in
      device.kernels.interpolate(
        lines.floats, offsets: lines.offsets, weights: weights.baseAddress! + row % output.height * rowTaps,
        taps: rowTaps, pixels: 1, channels: lineFloats, target, yStride: lineFloats)
    }
  }
}
