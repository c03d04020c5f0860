/// eˣ / Σ eˣ along an axis, or its logarithm.
///
/// Input: x of one axis or more. Output: the shape of x. The largest element is subtracted first, which prevents overflow; a row that is −∞
/// throughout, or holds NaN or +∞, gives NaN. Tested to 1e-6 (softmax, whose values are at most 1) and to 2e-6 · max(1, |y|)
/// (logarithm).
public struct Softmax: Operator {
  public static let name = "Softmax"

  /// The axis; negative counts from the end.
  public let axis: Int
  /// Whether the result is the logarithm.
  public let isLogarithm: Bool

  /// Makes the operator; the channels are axis −1.
  public init(axis: Int = -1, logarithm: Bool = false) {
    self.axis = axis
    self.isLogarithm = logarithm
  }

  public var latencyKind: String { isLogarithm ? "\(Self.name) logarithm" : Self.name }

  public var attributes: String {
    [isLogarithm ? "logarithm" : "", axis == -1 ? "" : "axis \(axis)"].filter { !$0.isEmpty }.joined(separator: " ")
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFloat(inputs[0])
    _ = try axis(axis, of: inputs[0].shape)
    return inputs
  }

  /// Computes the cost: an element takes a comparison, a difference, an exponential, a sum and a division.
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
        context.workers.forEachRange(x.shape.rows, grain: max(1, 4096 / max(1, channels))) { rows, _ in
          context.kernels.softmax(
            logarithm: isLogarithm, x.floats + rows.lowerBound * x.rowStride, xStride: x.rowStride,
            y.floats + rows.lowerBound * y.rowStride, yStride: y.rowStride, rows: rows.count, channels: channels)
        }
      }
    }
    // The maxima, the sums and one row of exponentials of a chunk, for each worker.
    let chunk = AxisLoops.chunk
    let byteCount = ElementType.float32.byteCount(of: context.workers.threadCount * 3 * chunk)
    return PreparedOperator(workspaceByteCount: byteCount) { context in
      let (x, y) = (context.input(0), context.output())
      let device = context.device
      loops.run(x.rowStride, y.rowStride, over: device.workers) { piece, worker in
        let largest = context.scratch + worker * 3 * chunk
        let sum = largest + chunk
        let row = sum + chunk
        let (source, target, count) = (x.floats + piece.x, y.floats + piece.y, piece.count)
        device.kernels.reduceRows(
          .maximum, source, xStride: piece.xStep, rows: loops.extent, channels: count, largest)
        sum.update(repeating: 0, count: count)
        for index in 0..<loops.extent {
          let shifted = target + index * piece.yStep
          device.kernels.combine(
            .subtract, source + index * piece.xStep, pStep: 1, largest, qStep: 1, shifted, count: count)
          let exponential = isLogarithm ? row : shifted
          device.kernels.map(.exp, shifted, exponential, count: count)
          device.kernels.combine(.add, sum, pStep: 1, exponential, qStep: 1, sum, count: count)
        }
        if isLogarithm { device.kernels.map(.log, sum, sum, count: count) }
        for index in 0..<loops.extent {
          let result = target + index * piece.yStep
          device.kernels.combine(
            isLogarithm ? .subtract : .divide, result, pStep: 1, sum, qStep: 1, result, count: count)
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

extension Value {
  /// Computes eˣ / Σ eˣ along an axis, by default over the channels.
  public func softmax(
    axis: Int = -1, named name: String = "softmax", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Softmax(axis: axis), named: name, file: file, line: line)
  }

  /// Computes log(eˣ / Σ eˣ) along an axis, by default over the channels.
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

extension Softmax: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (dy, y) = (context.outputGradient, context.outputs[0])
    guard let axis = y.shape.normalizedAxis(axis) else { preconditionFailure("shapes were checked") }
    guard axis == y.shape.rank - 1 else {
      // The axis is moved to the end and back.
      var order = Array(0..<y.shape.rank)
      order.append(order.remove(at: axis))
      var inverse = order
      for (index, axis) in order.enumerated() { inverse[axis] = index }
      let dx = dy.transpose(order).apply(
        SoftmaxGradient(ofLogarithm: isLogarithm), named: "input", with: [y.transpose(order)])
      return context.only(dx.transpose(inverse))
    }
    return context.only(dy.apply(SoftmaxGradient(ofLogarithm: isLogarithm), named: "input", with: [y]))
  }
}
