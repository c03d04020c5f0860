/// The concatenation of tensors along an axis.
///
/// Inputs: any number of tensors of one element type that agree in every other axis. Output: the same shape, with the sum of their extents
/// along the axis. Exact.
public struct Concat: Operator {
  public static let name = "Concat"

  /// The axis; negative counts from the end.
  public let axis: Int

  /// Makes the operator; the channels are axis −1.
  public init(axis: Int = -1) { self.axis = axis }

  public var attributes: String { axis == -1 ? "" : "axis \(axis)" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...Int.max)
    let first = inputs[0].shape
    let axis = try self.axis(axis, of: first)
    var extent = 0
    for input in inputs {
      try require(
        input.elementType == inputs[0].elementType && input.shape.rank == first.rank
          && input.shape.replacing(axis: axis, with: first[axis]) == first,
        "\(input) cannot follow \(inputs[0]) along axis \(axis)")
      extent += input.shape[axis]
    }
    var dimensions = first.dimensions
    dimensions[axis] = extent
    return [TensorSpec(try shape(dimensions), inputs[0].elementType)]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost(reading: inputs, writing: outputs) }

  public var takesRowStrides: Bool { true }

  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? { inputs.count == 1 ? 0 : nil }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let output = context.outputs[0]
    guard let axis = output.shape.normalizedAxis(axis) else { preconditionFailure("shapes were checked") }
    var start = 0
    var copies = ContiguousArray<StridedCopy>()
    for input in context.inputs {
      copies.append(.part(of: output, at: start, along: axis, extent: input.shape[axis], reversed: true))
      start += input.shape[axis]
    }
    let parts = copies
    let places = ContiguousArray(partOffsets(inputs: context.inputs, outputs: context.outputs) ?? [])
    return PreparedOperator { context in
      let y = context.output()
      for index in parts.indices {
        let x = context.input(index)
        if !places.isEmpty {
          let place = y.base + places[index].resolved(y.rowStride) * y.spec.elementType.byteCount
          if x.base == UnsafeRawPointer(place) { continue }
        }
        parts[index].run(x, y, over: context.workers)
      }
    }
  }
}

extension Concat: Joining {
  public func partOffsets(inputs: [TensorSpec], outputs: [TensorSpec]) -> [ViewStride]? {
    guard let axis = outputs[0].shape.normalizedAxis(axis) else { return nil }
    return outputs[0].shape.partOffsets(extents: inputs.map { $0.shape[axis] }, along: axis)
  }
}

extension StridedCopy {
  /// Makes the copy of a tensor from (or, `reversed`, to) the part of a larger tensor that begins at `start` along an axis.
  static func part(
    of whole: TensorSpec, at start: Int, along axis: Int, extent: Int, reversed: Bool
  ) -> StridedCopy {
    let part = whole.shape.replacing(axis: axis, with: extent)
    let wholeStrides = whole.shape.viewStrides
    let offset = wholeStrides[axis] * start
    let axes = zip(part.dimensions, zip(part.viewStrides, wholeStrides)).map { extent, strides in
      reversed
        ? Axis(extent: extent, source: strides.0, target: strides.1)
        : Axis(extent: extent, source: strides.1, target: strides.0)
    }
    return reversed
      ? StridedCopy(axes, elementType: whole.elementType, from: part, to: whole.shape, targetOffset: offset)
      : StridedCopy(axes, elementType: whole.elementType, from: whole.shape, to: part, sourceOffset: offset)
  }
}

extension Value {
  /// Concatenates this value and `others` along an axis, by default the channels.
  public func concat(
    with others: [Value], axis: Int = -1, named name: String = "concat", file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    apply(Concat(axis: axis), named: name, with: others, file: file, line: line)
  }

  /// Concatenates this value and `other` along an axis, by default the channels.
  public func concat(
    with other: Value, axis: Int = -1, named name: String = "concat", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Concat(axis: axis), named: name, with: [other], file: file, line: line)
  }
}

extension [Value] {
  /// Concatenates the values along an axis, by default the channels.
  ///
  /// - Precondition: there is at least one value.
  public func concatenated(
    axis: Int = -1, named name: String = "concat", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    self[0].apply(Concat(axis: axis), named: name, with: Array(dropFirst()), file: file, line: line)
  }
}

extension Concat {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    guard let axis = inputs[0].shape.normalizedAxis(axis), inputs[0].shape.rank == 4 else {
      return .everything(of: inputs[index])
    }
    let start = inputs[..<index].reduce(0) { $0 + $1.shape[axis] }
    let extent = inputs[index].mapExtent
    return .axes(
      height: .shifted(by: axis == 1 ? -start : 0, of: extent.height),
      width: .shifted(by: axis == 2 ? -start : 0, of: extent.width))
  }
}

extension Concat: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let parts = inputs.map(\.properties)
    var y = parts.dropFirst().reduce(parts[0]) { $0.joined(with: $1) }
    if let sum = parts[0].unitSumAxis, sum != outputs[0].shape.normalizedAxis(axis),
      parts.allSatisfy({ $0.unitSumAxis == sum })
    {
      y.unitSumAxis = sum
    }
    y.axes = .following(inputs, to: outputs[0])
    if inputs.count > 1 { y.relation = nil }
    return [y]
  }
}

extension Concat: ElementSelecting {
  /// Returns all inputs.
  public func selectedInputs(inputs: [TensorSpec], outputs: [TensorSpec]) -> [Int] { Array(inputs.indices) }
}

extension Concat: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let dy = context.outputGradient
    guard let axis = dy.shape.normalizedAxis(axis) else { preconditionFailure("shapes were checked") }
    var start = 0
    return context.inputs.indices.map { index in
      let extent = context.inputs[index].shape[axis]
      defer { start += extent }
      return context.requiresGradient[index]
        ? dy.slice([.init(axis: axis, from: start, to: start + extent)], named: "input\(index)") : nil
    }
  }
}
