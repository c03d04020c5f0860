/// The same elements, in row-major order, with another shape.
///
/// Input 0: x of any type; input 1, for ``Target/mapLike``: a feature map of which only the shape is used. Output: as many elements. Exact.
/// It usually shares the input's memory.
public struct Reshape: Operator {
  public static let name = "Reshape"

  /// The target shape, in a form that fits inputs of every size.
  public enum Target: Hashable, Sendable {
    /// Extents: 0 keeps the input's extent of that axis, and one −1 takes the remaining elements.
    case dimensions([Int])
    /// Joins a range of axes (negative counts from the end, both ends included) into one.
    case flattening(from: Int, to: Int)
    /// Turns tokens `[batch, height · width, channels]` into a map `[batch, height, width, channels]` with the height and width of input 1.
    case mapLike
  }

  /// The target shape.
  public let target: Target

  /// Makes the operator.
  public init(to target: Target) { self.target = target }

  public var attributes: String {
    switch target {
    case .dimensions(let dimensions): "\(dimensions)"
    case .flattening(let from, let to): "flattening \(from)…\(to)"
    case .mapLike: "to a map"
    }
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, target == .mapLike ? 2...2 : 1...1)
    let x = inputs[0].shape
    var dimensions: [Int]
    switch target {
    case .dimensions(let wanted):
      dimensions = wanted
      for (axis, extent) in wanted.enumerated() where extent == 0 {
        try require(axis < x.rank, "\(wanted) keeps axis \(axis), which \(x) has not got")
        dimensions[axis] = x[axis]
      }
      let open = wanted.indices.filter { wanted[$0] == -1 }
      try require(open.count <= 1 && wanted.allSatisfy { $0 >= -1 }, "\(wanted) does not tell a shape for \(x)")
      if let axis = open.first {
        dimensions[axis] = 1
        let known = try shape(dimensions).elementCount
        try require(known > 0 && x.elementCount % known == 0, "\(x) cannot be seen as \(wanted)")
        dimensions[axis] = x.elementCount / known
      }
    case .flattening(let from, let to):
      let (first, last) = (try axis(from, of: x), try axis(to, of: x))
      try require(first <= last, "\(x) has no axes \(from)…\(to)")
      let joined = x.dimensions[first...last].reduce(1, *)
      dimensions = Array(x.dimensions[..<first]) + [joined] + Array(x.dimensions[(last + 1)...])
    case .mapLike:
      let map = inputs[1].shape
      try require(
        x.rank == 3 && map.rank == 4 && x[1] == map.height * map.width && x[0] == map.batch,
        "\(x) are not the tokens [batch, height · width, channels] of a map like \(map)")
      dimensions = [x[0], map.height, map.width, x[2]]
    }
    let result = try shape(dimensions)
    try require(result.elementCount == x.elementCount, "\(x) cannot be seen as \(result)")
    return [TensorSpec(result, inputs[0].elementType)]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost() }

  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? { 0 }

  public func prepare(_ context: PreparationContext) -> PreparedOperator { .forwarding }
}

extension Reshape: Movement {
  public func composed(after producer: any Operator, inputs: [TensorSpec], outputs: [TensorSpec]) -> (any Operator)? {
    // An extent of 0 in the composed target would keep an extent of the input.
    guard producer is Reshape, !outputs[0].shape.dimensions.contains(0) else { return nil }
    return Reshape(to: .dimensions(outputs[0].shape.dimensions))
  }
}

extension Value {
  /// Reshapes the value: 0 keeps the extent of that axis, one −1 takes the remaining elements.
  public func reshape(
    _ dimensions: [Int], named name: String = "reshape", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Reshape(to: .dimensions(dimensions)), named: name, file: file, line: line)
  }

  /// Joins the axes `from` to `to`, both included, into one; negative counts from the end.
  public func flatten(
    from: Int, to: Int, named name: String = "flatten", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Reshape(to: .flattening(from: from, to: to)), named: name, file: file, line: line)
  }

  /// Turns the pixels of a feature map into tokens `[batch, height · width, channels]`.
  public func tokens(
    named name: String = "tokens", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    flatten(from: 1, to: 2, named: name, file: file, line: line)
  }

  /// Turns tokens `[batch, height · width, channels]` into a feature map with the height and width of `other`.
  public func featureMap(
    like other: Value, named name: String = "featureMap", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Reshape(to: .mapLike), named: name, with: [other], file: file, line: line)
  }
}

extension Reshape {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    index == 0 ? .byExtents(input: inputs[0], output: outputs[0]) : .none
  }
}

extension Reshape: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let (from, to) = (inputs[0].spec.shape, outputs[0].shape)
    var y = inputs[0].properties
    if target == .mapLike, inputs[1].axes.count == 4 {
      y.axes = [inputs[0].axes[0], inputs[1].axes[1], inputs[1].axes[2], inputs[0].axes[2]]
    } else {
      y.axes = inputs[0].axes.reshaped(from: from, to: to)
    }
    // An axis is kept if its extent and the number of elements behind it are the same.
    func moved(_ axis: Int) -> Int? {
      let behind = from.dimensions[(axis + 1)...].reduce(1, *)
      return to.dimensions.indices.first { place in
        to[place] == from[axis] && to.dimensions[(place + 1)...].reduce(1, *) == behind && to[place] != 1
      }
    }
    y.unitSumAxis = y.unitSumAxis.flatMap(moved)
    if let relation = y.relation, case .sum = relation.kind { y.relation = nil }
    return [y]
  }
}

extension Reshape: ElementSelecting {
  /// Returns the input.
  public func selectedInputs(inputs: [TensorSpec], outputs: [TensorSpec]) -> [Int] { [0] }
}

extension Reshape: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    context.only(context.outputGradient.reshape(to: context.inputs[0].shape))
  }
}
