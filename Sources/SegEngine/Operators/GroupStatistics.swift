/// The mean and variance over the pixels of an image and the channels of a group, and the normalisation with them.
struct GroupStatistics: Sendable {
  private let batch, pixels, channels, groups: Int
  private let epsilon: Float
  /// The number of pixels of one partial sum. It depends on the shape alone, so results do not depend on the thread count.
  private let block: Int
  private let blocks: Int
  /// The number of rows whose differences from the mean are stored at once.
  private let lines: Int

  init(_ x: Shape, groups: Int, epsilon: Float) {
    batch = x.batch
    channels = x.channels
    pixels = x.dimensions.dropFirst().dropLast().reduce(1, *)
    self.groups = groups
    self.epsilon = epsilon
    block = max(1, 8192 / max(1, channels), (pixels + 255) / 256)
    blocks = (pixels + block - 1) / block
    lines = max(1, min(64, 8192 / max(1, channels)))
  }

  func prepared(_ context: PreparationContext) -> PreparedOperator {
    let workers = context.workers.threadCount
    let partials = 2 * batch * blocks * channels
    let vectors = batch * channels
    let floats = partials + 3 * vectors + workers * (lines + 1) * channels
    return PreparedOperator(workspaceByteCount: ElementType.float32.byteCount(of: floats)) { context in
      let partial = context.scratch
      run(
        context,
        Scratch(
          partial: partial, center: partial + partials, scale: partial + partials + vectors,
          shift: partial + partials + 2 * vectors, differences: partial + partials + 3 * vectors))
    }
  }

  private struct Scratch {
    /// The sum, later the sum and sum of squares, of each channel of each block.
    let partial: UnsafeMutablePointer<Float>
    /// The negated approximate mean of each channel of each image.
    let center: UnsafeMutablePointer<Float>
    /// The factor and the summand of the differences from the center.
    let scale, shift: UnsafeMutablePointer<Float>
    /// Rows of differences from the center, for each worker.
    let differences: UnsafeMutablePointer<Float>
  }

  private func run(_ context: RunContext, _ scratch: Scratch) {
    let (x, y) = (context.input(0), context.output())
    let device = context.device
    let weight = context.inputCount > 1 ? context.input(1).floats : nil
    let bias = context.inputCount > 2 ? context.input(2).floats : nil
    let channels = channels
    /// Calls `body` with as many rows of a block at a time as fit the scratch memory, after computing their differences.
    func forEachDifference(
      _ index: Int, _ worker: Int, _ body: (_ image: Int, _ row: Int, _ count: Int, UnsafeMutablePointer<Float>) -> Void
    ) {
      let (image, row, count) = rows(index)
      let difference = scratch.differences + worker * (lines + 1) * channels
      for start in stride(from: 0, to: count, by: lines) {
        let taken = min(lines, count - start)
        device.kernels.affine(
          x.floats + (row + start) * x.rowStride, xStride: x.rowStride,
          Epilogue(shift: scratch.center + image * channels), into: Destination(difference, stride: channels),
          rows: taken, channels: channels)
        body(image, row + start, taken, difference)
      }
    }
    device.workers.forEach(batch * blocks) { index, _ in
      let (_, row, count) = rows(index)
      device.kernels.reduceRows(
        .sum, x.floats + row * x.rowStride, xStride: x.rowStride, rows: count, channels: channels,
        scratch.partial + 2 * index * channels)
    }
    forEachGroup { image, group, count in
      let sum = total(scratch.partial, image, group)
      for c in group { scratch.center[image * channels + c] = Float(-sum / count) }
    }
    // The mean has the rounding error of its sum. The sum of the differences gives the correction.
    device.workers.forEach(batch * blocks) { index, worker in
      let sums = scratch.partial + 2 * index * channels
      sums.update(repeating: 0, count: 2 * channels)
      forEachDifference(index, worker) { _, _, count, difference in
        // The sums follow the differences in memory.
        let line = difference + lines * channels
        device.kernels.reduceRows(.sum, difference, xStride: channels, rows: count, channels: channels, line)
        device.kernels.combine(.add, sums, pStep: 1, line, qStep: 1, sums, count: channels)
        device.kernels.reduceRows(.sumOfSquares, difference, xStride: channels, rows: count, channels: channels, line)
        device.kernels.combine(.add, sums + channels, pStep: 1, line, qStep: 1, sums + channels, count: channels)
      }
    }
    forEachGroup { image, group, count in
      let rest = total(scratch.partial, image, group) / count
      let variance = max(0, total(scratch.partial + channels, image, group) / count - rest * rest)
      let inverse = 1 / (variance + Double(epsilon)).squareRoot()
      for c in group {
        let factor = inverse * Double(weight?[c] ?? 1)
        scratch.scale[image * channels + c] = Float(factor)
        scratch.shift[image * channels + c] = Float(Double(bias?[c] ?? 0) - rest * factor)
      }
    }
    device.workers.forEach(batch * blocks) { index, worker in
      forEachDifference(index, worker) { image, row, count, difference in
        device.kernels.affine(
          difference, xStride: channels,
          Epilogue(scale: scratch.scale + image * channels, shift: scratch.shift + image * channels),
          into: Destination(y.floats + row * y.rowStride, stride: y.rowStride), rows: count, channels: channels)
      }
    }
  }

  /// Returns the image, the first row and the number of rows of a block.
  private func rows(_ index: Int) -> (image: Int, row: Int, count: Int) {
    let (image, part) = index.quotientAndRemainder(dividingBy: blocks)
    return (image, image * pixels + part * block, min(block, pixels - part * block))
  }

  /// Calls `body` with each group of channels of each image, and the number of elements of the group.
  private func forEachGroup(_ body: (_ image: Int, _ channels: Range<Int>, _ count: Double) -> Void) {
    guard channels > 0 else { return }
    let size = channels / groups
    for image in 0..<batch {
      for group in 0..<groups { body(image, group * size..<(group + 1) * size, Double(pixels * size)) }
    }
  }

  /// Computes the sum over the blocks of an image and the channels of a group.
  private func total(_ partial: UnsafePointer<Float>, _ image: Int, _ group: Range<Int>) -> Double {
    var sum = 0.0
    for part in 0..<blocks {
      let row = partial + 2 * (image * blocks + part) * channels
      for c in group { sum += Double(row[c]) }
    }
    return sum
  }
}
