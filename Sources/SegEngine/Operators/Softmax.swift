/// eˣ / Σ eˣ along an axis, or its logarithm.
///
/// Input: x of one axis or more. Output: as x. The largest element is subtracted first, so nothing overflows; a row that is −∞
/// throughout, or holds NaN or +∞, gives NaN. Held to 1e-6 (softmax, whose values are at most 1) and to 2e-6 · max(1, |y|)
/// (logarithm).
public struct Softmax: Operator {
  public static let name = "Softmax"

  /// The axis; negative counts from the end.
  public let axis: Int
  /// Whether the logarithm is given.
  public let isLogarithm: Bool

  /// Makes the operator; the channels are axis −1.
  public init(axis: Int = -1, logarithm: Bool = false) {
    self.axis = axis
    self.isLogarithm = logarithm
  }

  public var attributes: String {
    [isLogarithm ? "logarithm" : "", axis == -1 ? "" : "axis \(axis)"].filter { !$0.isEmpty }.joined(separator: " ")
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFloat(inputs[0])
    _ = try axis(axis, of: inputs[0].shape)
    return inputs
  }

  /// An element costs a comparison, a difference, an exponential, a sum and a division.
  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 5 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  public func overwritableInputs(of count: Int) -> [Int] { [0] }
  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let isLogarithm = isLogarithm
    let loops = AxisLoops(context.inputs[0].shape, axis: axis)
    if loops.isInnermost {
      return PreparedOperator { context in
        let (x, y) = (context.input(0), context.output())
        let channels = x.shape.channels
        context.backend.workers.forEachRange(x.shape.rows, grain: max(1, 4096 / max(1, channels))) { rows, _ in
          context.backend.softmax(
            logarithm: isLogarithm, x.floats + rows.lowerBound * x.rowStride, xStride: x.rowStride,
            y.floats + rows.lowerBound * y.rowStride, yStride: y.rowStride, rows: rows.count, channels: channels)
        }
      }
    }
    // The largest, the sum and one row of exponentials of a chunk, for each worker.
    let chunk = AxisLoops.chunk
    let byteCount = context.backend.workers.threadCount * 3 * chunk * 4
    return PreparedOperator(workspaceByteCount: byteCount) { context in
      let (x, y) = (context.input(0), context.output())
      let backend = context.backend
      loops.run(x.rowStride, y.rowStride, over: backend.workers) { piece, worker in
        let largest = context.scratch + worker * 3 * chunk
        let sum = largest + chunk
        let row = sum + chunk
        let (source, target, count) = (x.floats + piece.x, y.floats + piece.y, piece.count)
        backend.reduceRows(
          .maximum, source, xStride: piece.xStep, rows: loops.extent, channels: count, largest)
        sum.update(repeating: 0, count: count)
        for index in 0..<loops.extent {
          let shifted = target + index * piece.yStep
          backend.combine(
            .subtract, source + index * piece.xStep, pStep: 1, largest, qStep: 1, shifted, count: count)
          let exponential = isLogarithm ? row : shifted
          backend.map(.exp, shifted, exponential, count: count)
          backend.combine(.add, sum, pStep: 1, exponential, qStep: 1, sum, count: count)
        }
        if isLogarithm { backend.map(.log, sum, sum, count: count) }
        for index in 0..<loops.extent {
          let result = target + index * piece.yStep
          backend.combine(isLogarithm ? .subtract : .divide, result, pStep: 1, sum, qStep: 1, result, count: count)
        }
      }
    }
  }
}

extension Softmax: SoftmaxNormalizing {}

extension Softmax: OrderPreserving {
  public func preservesOrder(along axis: Int, of shape: Shape) -> Bool {
    shape.normalizedAxis(axis) == shape.normalizedAxis(self.axis)
  }
}

/// The loops of an operator that treats one axis of a tensor as a whole, for an axis that is not the innermost.
struct AxisLoops: Sendable {
  /// The most elements of a piece.
  static let chunk = 512

  /// Adjoining elements at the axis's first index: where they begin in both tensors, and how far the next index is.
  struct Piece {
    var x, y, xStep, yStep, count: Int
    /// How many elements stand before them if the axis is left out.
    var position: Int
  }

  /// The axis's extent.
  let extent: Int
  /// Whether the axis is the innermost.
  let isInnermost: Bool
  private let outer, innerRows, channels: Int

  init(_ shape: Shape, axis: Int) {
    guard let axis = shape.normalizedAxis(axis) else { preconditionFailure("shapes were checked") }
    extent = shape[axis]
    isInnermost = axis == shape.rank - 1
    outer = shape.dimensions[..<axis].reduce(1, *)
    innerRows = isInnermost ? 1 : shape.dimensions[(axis + 1)...].dropLast().reduce(1, *)
    channels = shape.channels
  }

  /// Calls `body` with pieces that cover both tensors, split over the workers.
  func run(_ xStride: Int, _ yStride: Int, over workers: WorkerPool, _ body: (Piece, _ worker: Int) -> Void) {
    let isFlat = xStride == channels && yStride == channels
    let rows = isFlat ? 1 : innerRows
    let length = isFlat ? innerRows * channels : channels
    let chunks = (length + AxisLoops.chunk - 1) / AxisLoops.chunk
    let (xRow, yRow) = (isFlat ? length : xStride, isFlat ? length : yStride)
    let work = extent * min(AxisLoops.chunk, max(1, length))
    workers.forEachRange(outer * rows * chunks, grain: max(1, 4096 / max(1, work))) { range, worker in
      for index in range {
        let (rest, part) = index.quotientAndRemainder(dividingBy: chunks)
        let (outer, row) = rest.quotientAndRemainder(dividingBy: rows)
        let start = part * AxisLoops.chunk
        body(
          Piece(
            x: (outer * extent * rows + row) * xRow + start, y: (outer * extent * rows + row) * yRow + start,
            xStep: rows * xRow, yStep: rows * yRow, count: min(AxisLoops.chunk, length - start),
            position: rest * length + start), worker)
      }
    }
  }
}

extension Value {
  /// eˣ / Σ eˣ along an axis, by default over the channels.
  public func softmax(
    axis: Int = -1, named name: String = "softmax", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Softmax(axis: axis), named: name, file: file, line: line)
  }

  /// log(eˣ / Σ eˣ) along an axis, by default over the channels.
  public func logSoftmax(
    axis: Int = -1, named name: String = "logSoftmax", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Softmax(axis: axis, logarithm: true), named: name, file: file, line: line)
  }
}

extension Softmax {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    let axis = inputs[0].shape.normalizedAxis(axis)
    return axis == inputs[0].shape.rank - 1 ? .samePixel(of: inputs[0]) : .everything(of: inputs[0])
  }
}

extension Softmax: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    var y = ValueProperties(range: isLogarithm ? ValueRange(-.infinity, 0) : .unit, axes: inputs[0].axes)
    y.isLogProbability = isLogarithm
    if !isLogarithm { y.unitSumAxis = outputs[0].shape.normalizedAxis(axis) }
    return [y]
  }
}
