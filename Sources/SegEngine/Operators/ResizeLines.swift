/// The two steps of every resize of float32, for an operator that makes some output pixels at a time: the weighted sum of input
/// rows that belongs to an output row, and pixels of the output row out of it.
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

  init(_ resize: Resize, from x: Shape, to y: Shape) {
    let (rows, columns) = resize.taps(from: x, to: y)
    let channels = x.channels
    (inputHeight, width, outHeight) = (x.height, x.width, y.height)
    self.channels = channels
    (rowTaps, columnTaps) = (rows.taps, columns.taps)
    rowIndices = ContiguousArray(rows.indices.joined())
    rowWeights = ContiguousArray(rows.weights.joined())
    columnOffsets = ContiguousArray(columns.indices.joined().map { $0 * channels })
    columnWeights = ContiguousArray(columns.weights.joined())
    work = y.width * channels * columns.taps + width * channels * rows.taps
    // A row of weighted inputs, before it the offsets of the input rows it is made of.
    offsetByteCount = (rows.taps + 7) / 8 * 64
    byteCount = offsetByteCount + (width * channels + 15) / 16 * 64
  }

  /// The weighted sum of input rows for an output row, counted over all images; it lies in `memory` or in the input.
  func line(
    _ row: Int, of x: TensorView, in memory: UnsafeMutableRawPointer, on device: ComputeDevice
  ) -> UnsafePointer<Float> {
    let (image, outRow) = row.quotientAndRemainder(dividingBy: outHeight)
    let source = x.floats + image * inputHeight * width * x.rowStride
    let offsets = memory.assumingMemoryBound(to: Int.self)
    let scratch = (memory + offsetByteCount).assumingMemoryBound(to: Float.self)
    for tap in 0..<rowTaps { offsets[tap] = rowIndices[outRow * rowTaps + tap] * width * x.rowStride }
    let isFlat = x.rowStride == channels
    if isFlat && rowTaps == 1 { return source + offsets[0] }
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

  /// The pixels of some columns of the output row to which `line` belongs.
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
