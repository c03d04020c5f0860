/// The tensor with its axes permuted.
///
/// Input: x of any shape and type. Output: axis i is the input's axis `permutation[i]`. Exact.
public struct Transpose: Operator {
  public static let name = "Transpose"

  /// The input axis of each output axis.
  public let permutation: [Int]

  /// Makes the operator.
  ///
  /// - Precondition: every axis appears once.
  public init(_ permutation: [Int]) {
    precondition(permutation.sorted() == Array(permutation.indices), "\(permutation) is no order of axes")
    self.permutation = permutation
  }

  public var attributes: String { "\(permutation)" }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    let x = inputs[0].shape
    try require(x.rank == permutation.count, "the order \(permutation) is not one of the axes of \(x)")
    return [TensorSpec(Shape(permutation.map { x[$0] }), inputs[0].elementType)]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost(reading: inputs, writing: outputs) }

  /// Returns the count and extents of the matrices if the permutation only transposes each matrix of a batch: feature maps from channels
  /// last to first, or back.
  private func matrices(in shape: Shape) -> (count: Int, rows: Int, columns: Int)? {
    let rank = permutation.count
    for batch in 0..<rank {
      for split in batch + 1..<max(batch + 1, rank) {
        let swapped = Array(0..<batch) + Array(split..<rank) + Array(batch..<split)
        guard permutation == swapped else { continue }
        func size(_ axes: Range<Int>) -> Int { axes.reduce(1) { $0 * shape[$1] } }
        return (size(0..<batch), size(batch..<split), size(split..<rank))
      }
    }
    return nil
  }

  public var takesRowStrides: Bool { true }

  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? {
    // An axis of extent 1 does not affect the order in memory.
    let moving = permutation.filter { inputs[0].shape[$0] != 1 }
    return moving == moving.sorted() ? 0 : nil
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (x, y) = (context.inputs[0], context.outputs[0].shape)
    let strides = x.shape.viewStrides
    let axes = zip(permutation, y.viewStrides).map {
      StridedCopy.Axis(extent: x.shape[$0], source: strides[$0], target: $1)
    }
    let copy = StridedCopy(axes, elementType: x.elementType, from: x.shape, to: y)
    guard let matrices = matrices(in: x.shape), x.elementType == .float32 else {
      return PreparedOperator { copy.run($0.input(0), $0.output(), over: $0.workers) }
    }
    let (count, rows, columns) = matrices
    // The rows of a tile: each output row of a tile is a few whole cache lines.
    let tiles = EvenPieces(rows, largest: 128, multipleOf: 8)
    return PreparedOperator { context in
      let (x, y, device) = (context.input(0), context.output(), context.device)
      guard x.isContiguous, y.isContiguous else { return copy.run(x, y, over: device.workers) }
      device.workers.forEach(count * tiles.pieces) { index, _ in
        let (matrix, piece) = index.quotientAndRemainder(dividingBy: tiles.pieces)
        let (start, tile) = (matrix * rows * columns, tiles[piece])
        device.kernels.transpose(
          x.floats + start + tile.lowerBound * columns, xStride: columns, y.floats + start + tile.lowerBound,
          yStride: rows, rows: tile.count, columns: columns)
      }
    }
  }
}

extension Transpose: AxisPermuting {}

extension Transpose: Movement {
  public func composed(after producer: any Operator, inputs: [TensorSpec], outputs: [TensorSpec]) -> (any Operator)? {
    guard let first = producer as? Transpose else { return nil }
    return Transpose(permutation.map { first.permutation[$0] })
  }
}

extension Value {
  /// Permutes the axes: axis i of the result is this value's axis `permutation[i]`.
  public func transpose(
    _ permutation: [Int], named name: String = "transpose", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Transpose(permutation), named: name, file: file, line: line)
  }
}

extension Transpose {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    permutation.count == 4 && permutation[1] == 1 && permutation[2] == 2
      ? .samePixel(of: inputs[0]) : .everything(of: inputs[0])
  }
}

extension Transpose: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    var y = inputs[0].properties
    y.axes = permutation.map { inputs[0].axes[$0] }
    y.unitSumAxis = y.unitSumAxis.flatMap { permutation.firstIndex(of: $0) }
    if let relation = y.relation, case .sum(let axis) = relation.kind {
      y.relation = permutation.firstIndex(of: axis).map { ValueRelation(kind: .sum(axis: $0), base: relation.base) }
    }
    return [y]
  }
}

extension Transpose: ElementSelecting {
  /// Returns the input.
  public func selectedInputs(inputs: [TensorSpec], outputs: [TensorSpec]) -> [Int] { [0] }
}

extension Transpose: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    var inverse = permutation
    for (index, axis) in permutation.enumerated() { inverse[axis] = index }
    return context.only(context.outputGradient.transpose(inverse))
  }
}
