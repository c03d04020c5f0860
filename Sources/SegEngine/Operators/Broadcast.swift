/// The broadcast of a tensor along axes of extent 1 to a target shape.
///
/// Input 0: x of any type; input 1, for ``Target/like``: a tensor of which only the shape is used. Output: the shape to which x and the
/// target broadcast under NumPy's rule. Exact.
public struct Broadcast: Operator {
  public static let name = "Broadcast"

  /// The target shape.
  public enum Target: Hashable, Sendable {
    /// The given extents; −1 keeps the input's.
    case shape([Int])
    /// The shape of input 1.
    case like
    /// The height and width of input 1, with the batch and channels of x.
    case spatialLike
    /// The first axis of input 1 and the other axes of x.
    case batchLike
  }

  /// The target shape.
  public let target: Target

  /// Makes the operator.
  public init(to target: Target) { self.target = target }

  public var attributes: String {
    switch target {
    case .shape(let dimensions): "to \(dimensions)"
    case .like, .spatialLike, .batchLike: ""
    }
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    if case .shape = target { try requireInputs(inputs, 1...1) } else { try requireInputs(inputs, 2...2) }
    let x = inputs[0].shape
    let wanted: Shape
    switch target {
    case .shape(let dimensions):
      try require(dimensions.allSatisfy { $0 >= -1 }, "\(dimensions) is no shape for \(x)")
      wanted = try shape(dimensions.map { $0 == -1 ? 1 : $0 })
    case .like: wanted = inputs[1].shape
    case .spatialLike:
      try require(
        x.rank == 4 && inputs[1].shape.rank == 4, "\(x) does not repeat to the height and width of \(inputs[1].shape)")
      wanted = [1, inputs[1].shape.height, inputs[1].shape.width, 1]
    case .batchLike:
      try require(
        x.rank > 0 && inputs[1].shape.rank > 0, "\(x) does not repeat along the first axis of \(inputs[1].shape)")
      wanted = Shape([inputs[1].shape[0]] + Array(repeating: 1, count: x.rank - 1))
    }
    guard let result = x.broadcast(with: wanted) else {
      throw ShapeError(Self.name, "\(x) does not repeat to \(wanted)")
    }
    return [TensorSpec(try shape(result.dimensions), inputs[0].elementType)]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(reading: [inputs[0]], writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (x, y) = (context.inputs[0], context.outputs[0].shape)
    let missing = [ViewStride](repeating: .init(), count: y.rank - x.shape.rank)
    let sources = missing + zip(x.shape.dimensions, x.shape.viewStrides).map { $0 == 1 ? .init() : $1 }
    let axes = zip(y.dimensions, zip(sources, y.viewStrides)).map {
      StridedCopy.Axis(extent: $0, source: $1.0, target: $1.1)
    }
    let copy = StridedCopy(axes, elementType: x.elementType, from: x.shape, to: y)
    return PreparedOperator { copy.run($0.input(0), $0.output(), over: $0.workers) }
  }
}

extension Value {
  /// Broadcasts the value to a shape; −1 keeps this value's extent.
  public func broadcast(
    to dimensions: [Int], named name: String = "broadcast", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Broadcast(to: .shape(dimensions)), named: name, file: file, line: line)
  }

  /// Broadcasts the value to the shape of `other`.
  public func broadcast(
    like other: Value, named name: String = "broadcast", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Broadcast(to: .like), named: name, with: [other], file: file, line: line)
  }

  /// Broadcasts one pixel `[batch, 1, 1, channels]` to the height and width of `other`.
  public func broadcast(
    spatiallyLike other: Value, named name: String = "broadcast", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Broadcast(to: .spatialLike), named: name, with: [other], file: file, line: line)
  }

  /// Broadcasts a value `[1, …]` along its first axis to the extent of that of `other`: the same for each image of a batch.
  public func broadcast(
    batchLike other: Value, named name: String = "broadcast", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Broadcast(to: .batchLike), named: name, with: [other], file: file, line: line)
  }
}

extension Broadcast {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    index == 0 ? .byExtents(input: inputs[0], output: outputs[0]) : .none
  }
}

extension Broadcast: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    var y = inputs[0].properties.broadcast(from: inputs[0].spec, to: outputs[0])
    y.axes = .following(inputs, to: outputs[0], broadcasting: true)
    return [y]
  }
}

extension ValueProperties {
  /// Returns the properties of the broadcast elements, without the meanings of axes.
  func broadcast(from: TensorSpec, to: TensorSpec) -> ValueProperties {
    var y = self
    let added = to.shape.rank - from.shape.rank
    y.unitSumAxis = unitSumAxis.flatMap { axis in
      from.shape[axis] == to.shape[axis + added] ? axis + added : nil
    }
    if let relation, case .sum = relation.kind, added != 0 { y.relation = nil }
    return y
  }
}

extension Broadcast: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    context.only(context.outputGradient.summed(to: context.inputs[0].shape))
  }
}
