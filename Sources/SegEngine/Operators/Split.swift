/// The split of a tensor into parts along an axis.
///
/// Input: x of any shape and type. Outputs: the parts, in order. Exact.
public struct Split: Operator {
  public static let name = "Split"

  /// The extents of the parts.
  public enum Parts: Hashable, Sendable {
    /// The given extents, whose sum is the axis's extent.
    case sizes([Int])
    /// The given number of parts of equal extent.
    case equal(Int)
  }

  /// The extents of the parts.
  public let parts: Parts
  /// The axis; negative counts from the end.
  public let axis: Int

  /// Makes the operator; the channels are axis −1.
  public init(_ parts: Parts, axis: Int = -1) {
    self.parts = parts
    self.axis = axis
  }

  public var attributes: String {
    let size =
      switch parts {
      case .sizes(let sizes): "\(sizes)"
      case .equal(let count): "into \(count)"
      }
    return size + (axis == -1 ? "" : " axis \(axis)")
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    let x = inputs[0].shape
    let axis = try axis(axis, of: x)
    let sizes: [Int]
    switch parts {
    case .sizes(let given):
      sizes = given
      var sum = 0
      for size in given {
        let (next, overflow) = sum.addingReportingOverflow(size)
        try require(size >= 0 && !overflow, "parts of \(given) along axis \(axis) are not those of \(x)")
        sum = next
      }
      try require(sum == x[axis], "parts of \(given) along axis \(axis) are not those of \(x)")
    case .equal(let count):
      try require(count > 0 && x[axis] % count == 0, "axis \(axis) of \(x) does not divide into \(count) parts")
      sizes = Array(repeating: x[axis] / count, count: count)
    }
    return sizes.map { TensorSpec(x.replacing(axis: axis, with: $0), inputs[0].elementType) }
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost(reading: inputs, writing: outputs) }

  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let input = context.inputs[0]
    guard let axis = input.shape.normalizedAxis(axis) else { preconditionFailure("shapes were checked") }
    var start = 0
    var copies = ContiguousArray<StridedCopy>()
    for output in context.outputs {
      copies.append(.part(of: input, at: start, along: axis, extent: output.shape[axis], reversed: false))
      start += output.shape[axis]
    }
    let parts = copies
    return PreparedOperator { context in
      for index in parts.indices {
        parts[index].run(context.input(0), context.output(index), over: context.workers)
      }
    }
  }
}

extension Split: Splitting {
  public var partAxis: Int? { axis }

  public func partOffsets(inputs: [TensorSpec], outputs: [TensorSpec]) -> [ViewStride]? {
    guard let axis = inputs[0].shape.normalizedAxis(axis) else { return nil }
    return inputs[0].shape.partOffsets(extents: outputs.map { $0.shape[axis] }, along: axis)
  }
}

extension Value {
  /// Splits the value into parts of the given extents along an axis, by default the channels.
  public func split(
    sizes: [Int], axis: Int = -1, named name: String = "split", file: StaticString = #fileID, line: UInt = #line
  ) -> [Value] {
    graph.add(
      Split(.sizes(sizes), axis: axis), named: name, to: [self], outputCount: sizes.count, file: file, line: line)
  }

  /// Splits the value into parts of equal extent along an axis, by default the channels.
  public func split(
    into count: Int, axis: Int = -1, named name: String = "split", file: StaticString = #fileID, line: UInt = #line
  ) -> [Value] {
    graph.add(
      Split(.equal(count), axis: axis), named: name, to: [self], outputCount: count, file: file, line: line)
  }
}

extension Split: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let x = inputs[0].properties
    return outputs.map { x.part($0, of: inputs[0].spec) }
  }
}

extension Split: ElementSelecting {
  /// Returns the input.
  public func selectedInputs(inputs: [TensorSpec], outputs: [TensorSpec]) -> [Int] { [0] }
}

extension Split: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    // A part on which the loss does not depend has a gradient of zeros.
    let parts = zip(context.outputs, context.outputGradients).map { output, gradient in
      gradient ?? context.graph.constant(Tensor(zeros: output.shape))
    }
    return context.only(parts.concatenated(axis: axis, named: "input"))
  }
}
