/// The index of the first maximum along an axis.
///
/// Input: x, float32. Output: the index, as int64 (as PyTorch), int32, or uint16 (as label maps); the axis has extent 1 or is removed.
/// NaN counts as the largest. Exact.
public struct ArgMax: Operator {
  public static let name = "ArgMax"

  /// The axis; negative counts from the end.
  public let axis: Int
  /// Whether the axis is kept, with extent 1.
  public let keepsAxis: Bool
  /// The type of the indices.
  public let elementType: ElementType

  /// Makes the operator; the channels are axis −1.
  ///
  /// - Precondition: `elementType` is int64, int32 or uint16.
  public init(axis: Int = -1, keepsAxis: Bool = false, elementType: ElementType = .int64) {
    precondition(
      [.int64, .int32, .uint16].contains(elementType), "indices are int64, int32 or uint16, not \(elementType)")
    self.axis = axis
    self.keepsAxis = keepsAxis
    self.elementType = elementType
  }

  public var attributes: String { axis == -1 ? "" : "axis \(axis)" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFloat(inputs[0])
    let x = inputs[0].shape
    let axis = try axis(axis, of: x)
    let limit = elementType == .uint16 ? 65536 : Int(Int32.max)
    try require(
      (1...limit).contains(x[axis]),
      "axis \(axis) of \(x) has no largest element that \(elementType == .uint16 ? "uint16" : "int32") can count")
    var dimensions = x.dimensions
    if keepsAxis { dimensions[axis] = 1 } else { dimensions.remove(at: axis) }
    return [TensorSpec(try shape(dimensions), elementType)]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let loops = AxisLoops(context.inputs[0].shape, axis: axis)
    return switch elementType {
    case .int64: prepare(loops, Int64.self, context)
    case .uint16: prepare(loops, UInt16.self, context)
    default: prepare(loops, Int32.self, context)
    }
  }

  private func prepare<Index: TensorElement & FixedWidthInteger>(
    _ loops: AxisLoops, _ type: Index.Type, _ context: PreparationContext
  ) -> PreparedOperator {
    let chunk = AxisLoops.chunk
    let byteCount = ElementType.int32.byteCount(of: context.workers.threadCount * chunk)
    if loops.isInnermost {
      return PreparedOperator(workspaceByteCount: byteCount) { context in
        let x = context.input(0)
        let y = context.output().pointer(to: Index.self)
        let channels = x.shape.channels
        let grain = max(1, 8192 / max(1, channels))
        context.workers.forEachRange(x.shape.rows, grain: grain) { rows, worker in
          let found = (context.workspace + ElementType.int32.byteCount(of: worker * chunk)).assumingMemoryBound(
            to: Int32.self)
          for start in stride(from: rows.lowerBound, to: rows.upperBound, by: chunk) {
            let count = min(chunk, rows.upperBound - start)
            context.kernels.argmax(
              x.floats + start * x.rowStride, xStride: x.rowStride, rows: count, channels: channels, found)
            for row in 0..<count { y[start + row] = Index(truncatingIfNeeded: found[row]) }
          }
        }
      }
    }
    return PreparedOperator(workspaceByteCount: byteCount) { context in
      let x = context.input(0)
      let y = context.output().pointer(to: Index.self)
      loops.run(x.rowStride, x.rowStride, over: context.workers) { piece, worker in
        let largest = context.scratch + worker * chunk
        let result = y + piece.position
        largest.update(from: x.floats + piece.x, count: piece.count)
        result.update(repeating: 0, count: piece.count)
        for index in 1..<loops.extent {
          let row = x.floats + piece.x + index * piece.xStep
          for i in 0..<piece.count {
            let isLarger = row[i] > largest[i] || row[i].isNaN && !largest[i].isNaN
            largest[i] = isLarger ? row[i] : largest[i]
            result[i] = isLarger ? Index(truncatingIfNeeded: index) : result[i]
          }
        }
      }
    }
  }
}

extension ArgMax: OrderReading {}

extension Value {
  /// Computes the index of the first maximum along an axis. Over the channels, the default, it is the class of each pixel.
  public func argmax(
    axis: Int = -1, keepingAxis: Bool = false, elementType: ElementType = .int64, named name: String = "argmax",
    file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(
      ArgMax(axis: axis, keepsAxis: keepingAxis, elementType: elementType), named: name, file: file, line: line)
  }
}

extension ArgMax: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let x = inputs[0].spec.shape
    guard let axis = x.normalizedAxis(axis) else { return [.unknown(outputs[0])] }
    var axes = inputs[0].axes
    if keepsAxis { axes[axis] = axes[axis].resized(to: 1) } else { axes.remove(at: axis) }
    return [.index(below: x[axis], axes: axes)]
  }
}

extension ValueProperties {
  /// Makes the properties of indices along an axis.
  package static func index(below extent: Int, axes: [AxisMeaning]) -> ValueProperties {
    ValueProperties(
      range: ValueRange(0, Double(max(0, extent - 1))), isInteger: true, isCategorical: true,
      levels: extent <= 8 ? few((0..<max(1, extent)).map(Double.init)) : nil, axes: axes)
  }
}
