/// A reduction along some axes: mean, sum, maximum, minimum, product, sum of squares or Euclidean norm.
///
/// Input: x, float32, of rank 1 or more. Output: the reduced axes have extent 1 or are removed. Long sums are added up in blocks. A mean or
/// sum of n numbers of size 1 agrees with the exact one to about 1e-6 · √n · (size of a partial sum); it is tested to 2e-6 of Σ|x| (a
/// product to 1e-5 relative). Maximum and minimum are exact, and NaN if an element is.
public struct Reduce: Operator {
  public static let name = "Reduce"

  /// The kind of reduction.
  public enum Operation: String, Hashable, Sendable, CaseIterable {
    case mean, sum, maximum, minimum, product, sumOfSquares
    /// √(sum of squares)
    case norm
  }

  /// The kind of reduction.
  public let operation: Operation
  /// The reduced axes; negative counts from the end, empty means all axes.
  public let axes: [Int]
  /// Whether reduced axes are kept, with extent 1.
  public let keepsAxes: Bool

  /// Makes the operator.
  public init(_ operation: Operation, axes: [Int], keepsAxes: Bool = true) {
    self.operation = operation
    self.axes = axes
    self.keepsAxes = keepsAxes
  }

  public var latencyKind: String { "\(Self.name) \(operation.rawValue)" }

  public var attributes: String { "\(operation.rawValue) over \(axes)" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    try requireFloat(inputs[0])
    let x = inputs[0].shape
    try require(x.rank > 0, "takes one axis or more, not \(inputs[0])")
    var reduced = Set(axes.isEmpty ? Array(0..<x.rank) : [])
    for axis in axes {
      try require(reduced.insert(try self.axis(axis, of: x)).inserted, "\(axes) names an axis of \(x) twice")
    }
    var dimensions: [Int] = []
    for (axis, extent) in x.dimensions.enumerated() {
      if !reduced.contains(axis) { dimensions.append(extent) } else if keepsAxes { dimensions.append(1) }
    }
    return [TensorSpec(try shape(dimensions))]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let elements = inputs[0].shape.elementCount
    return switch operation {
    case .sumOfSquares: Cost(otherOperations: 2 * elements, reading: inputs, writing: outputs)
    case .norm:
      Cost(otherOperations: 2 * elements + outputs[0].shape.elementCount, reading: inputs, writing: outputs)
    case .mean: Cost(otherOperations: elements + outputs[0].shape.elementCount, reading: inputs, writing: outputs)
    default: Cost(otherOperations: elements, reading: inputs, writing: outputs)
    }
  }

  public var takesRowStrides: Bool { true }

  private var reduction: Reduction {
    switch operation {
    case .mean, .sum: .sum
    case .maximum: .maximum
    case .minimum: .minimum
    case .product: .product
    case .sumOfSquares, .norm: .sumOfSquares
    }
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let x = context.inputs[0].shape
    let reduced = axes.isEmpty ? Set(0..<x.rank) : Set(axes.compactMap(x.normalizedAxis))
    let plan = ReductionPlan(x, axes: reduced, reduction)
    let operation = operation
    return PreparedOperator(workspaceByteCount: plan.workspaceByteCount) { context in
      let device = context.device
      plan.run(context.input(0), context.output(), scratch: context.scratch, on: device) { y, count in
        switch operation {
        case .mean:
          withUnsafePointer(to: Float(plan.count)) {
            device.kernels.combine(.divide, y, pStep: 1, $0, qStep: 0, y, count: count)
          }
        case .norm: device.kernels.map(.sqrt, y, y, count: count)
        default: break
        }
      }
    }
  }
}

extension Value {
  /// Reduces the given axes, or all if none are given.
  public func reduce(
    _ operation: Reduce.Operation, axes: [Int], keepingAxes: Bool = true, named name: String? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(
      Reduce(operation, axes: axes, keepsAxes: keepingAxes), named: name ?? operation.rawValue, file: file, line: line)
  }

  /// Computes the mean over the given axes, which keep extent 1.
  public func mean(axes: [Int], file: StaticString = #fileID, line: UInt = #line) -> Value {
    reduce(.mean, axes: axes, file: file, line: line)
  }
}

extension Reduce: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let shape = inputs[0].spec.shape
    let x = inputs[0].properties
    let reduced = axes.isEmpty ? Set(0..<shape.rank) : Set(axes.compactMap(shape.normalizedAxis))
    let axes = inputs[0].axes.indices.compactMap { axis -> AxisMeaning? in
      reduced.contains(axis) ? (keepsAxes ? inputs[0].axes[axis].resized(to: 1) : nil) : inputs[0].axes[axis]
    }
    let count = Double(reduced.reduce(1) { $0 * shape[$1] })
    var y = ValueProperties(axes: axes)
    switch operation {
    case .mean: y.range = x.range
    case .sum: y.range = x.range * ValueRange(count)
    case .maximum, .minimum:
      y = x
      (y.axes, y.unitSumAxis) = (axes, nil)
    case .sumOfSquares, .norm: y.range = ValueRange(0, .infinity)
    case .product: y.range = x.range.isWithin(.unit) ? .unit : .everything
    }
    y.relation = nil
    if let base = x.relation, base.kind == .elements, !base.isReciprocal {
      switch operation {
      case .maximum: y.relation = .init(kind: .maximum, base: base.base)
      case .minimum: y.relation = .init(kind: .minimum, base: base.base)
      case .sum where reduced.count == 1 && keepsAxes:
        y.relation = .init(kind: .sum(axis: reduced.first!), base: base.base)
      default: break
      }
    }
    return [y]
  }
}

extension Reduce: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    guard context.requiresGradient[0] else { return [nil] }
    let (x, y) = (context.inputs[0], context.outputs[0])
    let reduced = axes.isEmpty ? Set(0..<x.shape.rank) : Set(axes.compactMap(x.shape.normalizedAxis))
    let kept = Shape(x.shape.dimensions.enumerated().map { reduced.contains($0.offset) ? 1 : $0.element })
    let dy = context.outputGradient.reshape(to: kept)
    let result = y.reshape(to: kept)
    let count = reduced.reduce(1) { $0 * x.shape[$1] }
    func spread(_ value: Value) -> Value { value.broadcast(to: x.shape.dimensions) }
    switch operation {
    case .sum: return [spread(dy)]
    case .mean: return [spread(dy.scaled(by: 1 / Float(count)))]
    case .sumOfSquares: return [x.combine(.multiply, dy.scaled(by: 2))]
    case .norm, .product, .maximum, .minimum:
      return [dy.apply(ReductionGradient(operation, axes: reduced.sorted()), named: "input", with: [x, result])]
    }
  }
}
