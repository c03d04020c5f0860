/// Normalisation of each group of channels of an image by its mean and variance over all pixels:
/// (x − mean) / √(variance + epsilon) · weight + bias (Wu and He 2018).
///
/// Inputs: x `[batch, …, channels]`, and where affine weight and bias `[channels]`. Output: as x. Mean and variance of the
/// population in two passes, partial sums joined in Double: held to 1e-5 for groups of variance 1 and a mean of that size.
public struct GroupNorm: Operator {
  public static let name = "GroupNorm"

  /// Groups of channels.
  public let groups: Int
  /// Added to the variance.
  public let epsilon: Float

  /// Makes the operator.
  ///
  /// - Precondition: `groups` is positive.
  public init(groups: Int, epsilon: Float = 1e-5) {
    precondition(groups > 0, "groups are positive: \(groups)")
    self.groups = groups
    self.epsilon = epsilon
  }

  public var attributes: String { "\(groups) groups" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    let outputs = try requireNormalization(inputs, minimumRank: 2)
    try require(
      inputs[0].shape.channels % groups == 0, "the channels of \(inputs[0].shape) do not divide into \(groups) groups")
    return outputs
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { normalizationCost(inputs, outputs) }

  public var overwritableInputs: [Int] { [0] }
  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    GroupStatistics(context.inputs[0].shape, groups: groups, epsilon: epsilon).prepared(context)
  }
}

/// Normalisation of each channel of an image by its mean and variance over all pixels (Ulyanov et al. 2016).
///
/// Inputs: x `[batch, …, channels]`, and where affine weight and bias `[channels]`. Output: as x. A ``GroupNorm`` with a group
/// a channel, held to the same tolerance.
public struct InstanceNorm: Operator {
  public static let name = "InstanceNorm"

  /// Added to the variance.
  public let epsilon: Float

  /// Makes the operator.
  public init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireNormalization(inputs, minimumRank: 2)
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { normalizationCost(inputs, outputs) }

  public var overwritableInputs: [Int] { [0] }
  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let x = context.inputs[0].shape
    return GroupStatistics(x, groups: max(1, x.channels), epsilon: epsilon).prepared(context)
  }
}

/// Mean and variance over the pixels of an image and the channels of a group, and what they make of the image.
private struct GroupStatistics: Sendable {
  private let batch, pixels, channels, groups: Int
  private let epsilon: Float
  /// Pixels whose sum is one partial sum; depends on the shape alone, so that results do not depend on the threads.
  private let block: Int
  private let blocks: Int
  /// Rows whose differences from the mean are held at once.
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
    let workers = context.backend.workers.threadCount
    // Partial sums, a scale and a shift a channel of each image, differences of one block for each worker.
    let partials = batch * blocks * channels
    let floats = partials + 2 * batch * channels + workers * (lines + 1) * channels
    return PreparedOperator(workspaceByteCount: floats * 4) { context in
      let partial = context.scratch
      let scale = partial + partials
      let shift = scale + batch * channels
      let differences = shift + batch * channels
      run(context, partial: partial, scale: scale, shift: shift, differences: differences)
    }
  }

  private func run(
    _ context: RunContext, partial: UnsafeMutablePointer<Float>, scale: UnsafeMutablePointer<Float>,
    shift: UnsafeMutablePointer<Float>, differences: UnsafeMutablePointer<Float>
  ) {
    let (x, y) = (context.input(0), context.output())
    let backend = context.backend
    let weight = context.inputCount > 1 ? context.input(1).floats : nil
    let bias = context.inputCount > 2 ? context.input(2).floats : nil
    func first(_ index: Int) -> (image: Int, row: Int, count: Int) {
      let (image, part) = index.quotientAndRemainder(dividingBy: blocks)
      return (image, image * pixels + part * block, min(block, pixels - part * block))
    }
    backend.workers.forEach(batch * blocks) { index, _ in
      let (_, row, count) = first(index)
      backend.reduceRows(
        .sum, x.floats + row * x.rowStride, xStride: x.rowStride, rows: count, channels: channels,
        partial + index * channels)
    }
    // Minus the mean, a channel.
    forEachGroup(partial) { image, group, sum in
      for c in group { shift[image * channels + c] = Float(-sum / Double(pixels * group.count)) }
    }
    backend.workers.forEach(batch * blocks) { index, worker in
      let (image, row, count) = first(index)
      let difference = differences + worker * (lines + 1) * channels
      let sums = partial + index * channels
      sums.update(repeating: 0, count: channels)
      // A few rows at a time, so that the differences stay in the cache; the sums of their squares stand behind them.
      for start in stride(from: 0, to: count, by: lines) {
        let rows = min(lines, count - start)
        backend.affine(
          x.floats + (row + start) * x.rowStride, xStride: x.rowStride, scale: nil, shift: shift + image * channels,
          residual: nil, residualStride: 0, .identity, difference, yStride: channels, rows: rows, channels: channels)
        let squares = difference + lines * channels
        backend.reduceRows(
          .sumOfSquares, difference, xStride: channels, rows: rows, channels: channels, squares)
        backend.combine(.add, sums, pStep: 1, squares, qStep: 1, sums, count: channels)
      }
    }
    forEachGroup(partial) { image, group, sum in
      let inverse = 1 / (sum / Double(pixels * group.count) + Double(epsilon)).squareRoot()
      for c in group {
        let factor = inverse * Double(weight?[c] ?? 1)
        let mean = -Double(shift[image * channels + c])
        scale[image * channels + c] = Float(factor)
        shift[image * channels + c] = Float(Double(bias?[c] ?? 0) - mean * factor)
      }
    }
    backend.workers.forEach(batch * blocks) { index, _ in
      let (image, row, count) = first(index)
      backend.affine(
        x.floats + row * x.rowStride, xStride: x.rowStride, scale: scale + image * channels,
        shift: shift + image * channels, residual: nil, residualStride: 0, .identity, y.floats + row * y.rowStride,
        yStride: y.rowStride, rows: count, channels: channels)
    }
  }

  /// Calls `body` with the total of the partial sums of each group of each image.
  private func forEachGroup(
    _ partial: UnsafePointer<Float>, _ body: (_ image: Int, _ channels: Range<Int>, _ sum: Double) -> Void
  ) {
    guard channels > 0 else { return }
    let size = channels / groups
    for image in 0..<batch {
      for group in 0..<groups {
        var sum = 0.0
        for part in 0..<blocks {
          let row = partial + (image * blocks + part) * channels + group * size
          for c in 0..<size { sum += Double(row[c]) }
        }
        body(image, group * size..<(group + 1) * size, sum)
      }
    }
  }
}

extension Value {
  /// Normalisation of groups of channels with the parameters `name.weight` and `name.bias`.
  public func groupNorm(
    _ name: String, groups: Int, epsilon: Float = 1e-5, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(
      GroupNorm(groups: groups, epsilon: epsilon), named: name, with: normalizationParameters(name), file: file,
      line: line)
  }

  /// Normalisation of each channel of each image, where `affine` with the parameters `name.weight` and `name.bias`.
  public func instanceNorm(
    _ name: String, affine: Bool = false, epsilon: Float = 1e-5, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(
      InstanceNorm(epsilon: epsilon), named: name, with: affine ? normalizationParameters(name) : [], file: file,
      line: line)
  }
}
