/// A float32 resize along the height first, for an operator that computes some output pixels at a time: first the weighted sum of input
/// rows for an output row, then pixels of the output row.
struct ResizeLines: Sendable {
  /// Scratch memory in bytes that a worker needs, a multiple of 64.
  let byteCount: Int
  /// Multiplications and additions of an output row.
  let work: Int
  private let inputHeight, width, channels, outHeight: Int
  private let rowTaps, columnTaps: Int
  /// Bytes of the offsets of the input rows of an output row, a multiple of 64.
  private let offsetByteCount: Int
  private let rowIndices: ContiguousArray<Int>
  private let rowWeights, columnWeights: ContiguousArray<Float>
  private let columnOffsets: ContiguousArray<Int>

  /// Whether each line is a row of the input, of weight 1.
  private let copiesRows: Bool

  init(_ resize: Resize, from x: Shape, to y: Shape) {
    let (rows, columns) = resize.taps(from: x, to: y)
    self.init(rows, columns, from: x, to: y)
  }

  /// Makes the resize with given taps of rows and columns.
  init(_ rows: Resize.Taps, _ columns: Resize.Taps, from x: Shape, to y: Shape) {
    copiesRows = rows.taps == 1 && rows.weights.allSatisfy { $0[0] == 1 }
    let channels = x.channels
    (inputHeight, width, outHeight) = (x.height, x.width, y.height)
    self.channels = channels
    (rowTaps, columnTaps) = (rows.taps, columns.taps)
    rowIndices = ContiguousArray(rows.indices.joined())
    rowWeights = ContiguousArray(rows.weights.joined())
    columnOffsets = ContiguousArray(columns.indices.joined().map { $0 * channels })
    columnWeights = ContiguousArray(columns.weights.joined())
    work = y.width * channels * columns.taps + width * channels * rows.taps
    // A row of weighted inputs, preceded by the offsets of its input rows.
    offsetByteCount = (rows.taps + 7) / 8 * 64
    byteCount = offsetByteCount + (width * channels + 15) / 16 * 64
  }

  /// Computes the weighted sum of input rows for an output row, counted over all images; it is in `memory` or in the input.
  func line(
    _ row: Int, of x: TensorView, in memory: UnsafeMutableRawPointer, on device: ComputeDevice
  ) -> UnsafePointer<Float> {
    let (image, outRow) = row.quotientAndRemainder(dividingBy: outHeight)
    let source = x.floats + image * inputHeight * width * x.rowStride
    let offsets = memory.assumingMemoryBound(to: Int.self)
    let scratch = (memory + offsetByteCount).assumingMemoryBound(to: Float.self)
    for tap in 0..<rowTaps { offsets[tap] = rowIndices[outRow * rowTaps + tap] * width * x.rowStride }
    let isFlat = x.rowStride == channels
    if isFlat && copiesRows { return source + offsets[0] }
    rowWeights.withUnsafeBufferPointer { weights in
      let weights = weights.baseAddress! + outRow * rowTaps
      if isFlat {
        device.kernels.interpolate(
          source, offsets: offsets, weights: weights, taps: rowTaps, pixels: 1, channels: width * channels, scratch,
          yStride: width * channels)
      } else {
        for column in 0..<width {
          device.kernels.interpolate(
            source + column * x.rowStride, offsets: offsets, weights: weights, taps: rowTaps, pixels: 1,
            channels: channels, scratch + column * channels, yStride: channels)
        }
      }
    }
    return UnsafePointer(scratch)
  }

  /// Computes the pixels of some columns of the output row to which `line` belongs.
  func pixels(
    _ columns: Range<Int>, of line: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, yStride: Int,
    on device: ComputeDevice
  ) {
    columnOffsets.withUnsafeBufferPointer { offsets in
      columnWeights.withUnsafeBufferPointer { weights in
        device.kernels.interpolate(
          line, offsets: offsets.baseAddress! + columns.lowerBound * columnTaps,
          weights: weights.baseAddress! + columns.lowerBound * columnTaps, taps: columnTaps, pixels: columns.count,
          channels: channels, y, yStride: yStride)
      }
    }
  }
}
