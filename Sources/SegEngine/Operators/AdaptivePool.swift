/// Adaptive pooling: the mean, or the maximum, over the windows of a grid of given size.
///
/// Input: x `[batch, height, width, channels]`. Output: `[batch, outHeight, outWidth, channels]`. Output row i covers the input rows
/// ⌊i · height / outHeight⌋ up to, not including, ⌈(i + 1) · height / outHeight⌉, columns likewise (PyTorch's rule; windows may
/// overlap). The mean is tested to 2e-6 of the mean of |x|, the maximum is exact.
public struct AdaptivePool: Operator {
  public static let name = "AdaptivePool"

  /// The reduction of each window.
  public let operation: GlobalPool.Operation
  /// The height and width of the output.
  public let size: Extent2D

  /// Makes the operator.
  ///
  /// - Precondition: `size` is positive.
  public init(_ operation: GlobalPool.Operation, to size: Extent2D) {
    precondition(size.height > 0 && size.width > 0, "a grid has cells: \(size)")
    self.operation = operation
    self.size = size
  }

  public var latencyKind: String { "\(Self.name) \(operation.rawValue)" }

  public var attributes: String { "\(operation.rawValue) to \(size.height)×\(size.width)" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFeatureMap(inputs[0])
    let x = inputs[0].shape
    try require(x.height > 0 && x.width > 0, "there are no pixels in \(x) to pool to \(size.height)×\(size.width)")
    return [TensorSpec(try shape([x.batch, size.height, size.width, x.channels]))]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let x = inputs[0].shape
    let rows = AdaptivePool.windows(x.height, size.height).reduce(0) { $0 + $1.count }
    let columns = AdaptivePool.windows(x.width, size.width).reduce(0) { $0 + $1.count }
    let divisions = operation == .average ? outputs[0].shape.elementCount : 0
    return Cost(
      otherOperations: x.batch * rows * columns * x.channels + divisions, reading: inputs, writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  package static func windows(_ input: Int, _ output: Int) -> ContiguousArray<Range<Int>> {
    ContiguousArray((0..<output).map { $0 * input / output..<(($0 + 1) * input + output - 1) / output })
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let x = context.inputs[0].shape
    let rows = AdaptivePool.windows(x.height, size.height)
    let columns = AdaptivePool.windows(x.width, size.width)
    let (size, operation) = (size, operation)
    let tallest = rows.map(\.count).max() ?? 1
    // A few large windows are divided by channels too.
    let chunk = 64
    let chunks = (x.channels + chunk - 1) / chunk
    // The reduced rows of a window, for each worker.
    let perWorker = tallest * chunk
    let byteCount = ElementType.float32.byteCount(of: context.workers.threadCount * perWorker)
    return PreparedOperator(workspaceByteCount: byteCount) { context in
      let (x, y) = (context.input(0), context.output())
      let device = context.device
      let (height, width, channels) = (x.shape.height, x.shape.width, x.shape.channels)
      let reduction: Reduction = operation == .average ? .sum : .maximum
      let work = max(1, height * width / (size.height * size.width) * min(chunk, channels))
      device.workers.forEachRange(
        y.shape.batch * size.height * size.width * chunks, grain: max(1, 16384 / work)
      ) { range, worker in
        let partial = context.scratch + worker * perWorker
        for index in range {
          let (cell, part) = index.quotientAndRemainder(dividingBy: chunks)
          let (outRow, column) = cell.quotientAndRemainder(dividingBy: size.width)
          let (image, row) = outRow.quotientAndRemainder(dividingBy: size.height)
          let count = min(chunk, channels - part * chunk)
          let source = x.floats + part * chunk
          let (across, along) = (rows[row], columns[column])
          for (line, inputRow) in across.enumerated() {
            device.kernels.reduceRows(
              reduction, source + ((image * height + inputRow) * width + along.lowerBound) * x.rowStride,
              xStride: x.rowStride, rows: along.count, channels: count, partial + line * count)
          }
          let target = y.floats + cell * y.rowStride + part * chunk
          device.kernels.reduceRows(reduction, partial, xStride: count, rows: across.count, channels: count, target)
          if operation == .average {
            withUnsafePointer(to: Float(across.count * along.count)) {
              device.kernels.combine(.divide, target, pStep: 1, $0, qStep: 0, target, count: count)
            }
          }
        }
      }
    }
  }
}

extension Value {
  /// Computes the means over a grid of windows (adaptive average pooling).
  public func adaptiveAveragePool(
    to size: Extent2D, named name: String = "adaptiveAveragePool", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(AdaptivePool(.average, to: size), named: name, file: file, line: line)
  }

  /// Computes the maxima over a grid of windows (adaptive max pooling).
  public func adaptiveMaxPool(
    to size: Extent2D, named name: String = "adaptiveMaxPool", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(AdaptivePool(.maximum, to: size), named: name, file: file, line: line)
  }
}

extension AdaptivePool {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    func axis(_ from: Int, _ to: Int) -> AxisReach {
      .table((0..<to).map { Array($0 * from / to..<(($0 + 1) * from + to - 1) / to) }, of: from)
    }
    let (x, y) = (inputs[0].mapExtent, outputs[0].mapExtent)
    if y == 1 { return .everything(of: inputs[0]) }
    return .axes(height: axis(x.height, y.height), width: axis(x.width, y.width))
  }
}

extension AdaptivePool: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (x, dy) = (context.inputs[0], context.outputGradient)
    let (rows, columns) = (
      AdaptivePool.windows(x.shape.height, size.height), AdaptivePool.windows(x.shape.width, size.width)
    )
    guard operation == .average else {
      return context.only(
        dy.apply(WindowMaximumGradient(rows: rows, columns: columns), named: "input", with: [x, context.outputs[0]]))
    }
    func taps(_ windows: ContiguousArray<Range<Int>>) -> Resize.Taps {
      Resize.Taps(
        taps: windows.map(\.count).max() ?? 1, indices: windows.map(Array.init),
        weights: windows.map { Array(repeating: 1 / Float($0.count), count: $0.count) })
    }
    return context.only(dy.resamplingGradient(rows: taps(rows), columns: taps(columns), like: x.shape))
  }
}
