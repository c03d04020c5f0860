/// Padding of a tensor along any axes; a negative amount crops.
///
/// Input: x of any shape and type. Output: each axis is longer by the elements before and after. Exact.
public struct Pad: Operator {
  public static let name = "Pad"

  /// The values of the padding.
  public enum Mode: Hashable, Sendable {
    /// A number, converted to the element type.
    case constant(Float)
    /// The tensor mirrored at its first and last element, without repeating them.
    case reflect
    /// The nearest element.
    case edge
  }

  /// The padding at the two ends of an axis.
  public struct Amount: Hashable, Sendable {
    /// The axis; negative counts from the end.
    public var axis: Int
    /// Elements before the first; a negative number crops.
    public var before: Int
    /// Elements after the last; a negative number crops.
    public var after: Int

    /// Describes the padding of an axis.
    public init(axis: Int, before: Int, after: Int) {
      self.axis = axis
      self.before = before
      self.after = after
    }
  }

  /// The padding per axis; an axis without an amount is unchanged.
  public let amounts: [Amount]
  /// The values of the padding.
  public let mode: Mode

  /// Makes the operator.
  public init(_ amounts: [Amount], mode: Mode = .constant(0)) {
    self.amounts = amounts
    self.mode = mode
  }

  public var attributes: String {
    amounts.map { "axis \($0.axis) (\($0.before), \($0.after))" }.joined(separator: ", ") + " \(mode)"
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    let x = inputs[0].shape
    var dimensions = x.dimensions
    var seen = Set<Int>()
    for amount in amounts {
      let axis = try axis(amount.axis, of: x)
      try require(seen.insert(axis).inserted, "axis \(axis) of \(x) is padded twice")
      let (some, overflow) = amount.before.addingReportingOverflow(amount.after)
      let (extent, overflowToo) = x[axis].addingReportingOverflow(some)
      try require(
        !overflow && !overflowToo && extent >= 0 && x[axis] + min(amount.before, 0) >= 0
          && x[axis] + min(amount.after, 0) >= 0,
        "\(amount.before) before and \(amount.after) after axis \(axis) of \(x) leave nothing")
      let most = max(amount.before, amount.after)
      switch mode {
      case .reflect:
        try require(
          most < x[axis] || most <= 0, "axis \(axis) of \(x) cannot be mirrored \(most) elements beyond its ends")
      case .edge: try require(x[axis] > 0 || most <= 0, "axis \(axis) of \(x) has no edge to repeat")
      case .constant: break
      }
      dimensions[axis] = extent
    }
    return [TensorSpec(try shape(dimensions), inputs[0].elementType)]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost(reading: inputs, writing: outputs) }

  public var takesRowStrides: Bool { true }

  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? {
    amounts.allSatisfy { $0.before == 0 && $0.after == 0 } ? 0 : nil
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (x, y) = (context.inputs[0].shape, context.outputs[0].shape)
    // For each axis the input index of each output index, −1 for the constant.
    var tables = x.dimensions.map { ContiguousArray(0..<$0) }
    for amount in amounts {
      guard let axis = x.normalizedAxis(amount.axis) else { preconditionFailure("shapes were checked") }
      tables[axis] = ContiguousArray((0..<y[axis]).map { source(of: $0 - amount.before, in: x[axis]) })
    }
    // A scalar is one row of one element.
    let columns = tables.popLast() ?? [0]
    let rows = RowMap(
      columns: columns, run: Pad.run(columns), outer: ContiguousArray(tables),
      outerExtents: ContiguousArray(x.dimensions.dropLast()))
    let fill = Pad.bits(of: mode, as: context.inputs[0].elementType)
    return PreparedOperator { context in
      let (x, y) = (context.input(0), context.output())
      switch x.spec.elementType {
      case .uint8: rows.write(UInt8(truncatingIfNeeded: fill), x, y, over: context.workers)
      case .uint16: rows.write(UInt16(truncatingIfNeeded: fill), x, y, over: context.workers)
      case .float32, .int32: rows.write(UInt32(truncatingIfNeeded: fill), x, y, over: context.workers)
      case .int64: rows.write(fill, x, y, over: context.workers)
      }
    }
  }

  /// The source of each output row and of each element in a row.
  private struct RowMap: Sendable {
    let columns: ContiguousArray<Int>
    /// The output elements of a row that are copied from contiguous inputs.
    let run: Range<Int>
    let outer: ContiguousArray<ContiguousArray<Int>>
    let outerExtents: ContiguousArray<Int>

    /// Returns the input row of an output row, or `nil` for padding.
    func source(ofRow row: Int) -> Int? {
      var rest = row
      var source = 0
      var scale = 1
      for axis in outer.indices.reversed() {
        let index: Int
        (rest, index) = rest.quotientAndRemainder(dividingBy: outer[axis].count)
        let from = outer[axis][index]
        if from < 0 { return nil }
        source += from * scale
        scale *= outerExtents[axis]
      }
      return source
    }

    func write<Unit: BitwiseCopyable>(
      _ fill: Unit, _ x: TensorView, _ y: MutableTensorView, over workers: WorkerPool
    ) {
      workers.forEachRange(y.shape.rows, grain: max(1, 8192 / max(1, columns.count))) { rows, _ in
        for row in rows {
          let target = y.base.assumingMemoryBound(to: Unit.self) + row * y.rowStride
          guard let sourceRow = source(ofRow: row) else {
            target.update(repeating: fill, count: columns.count)
            continue
          }
          let source = x.base.assumingMemoryBound(to: Unit.self) + sourceRow * x.rowStride
          for column in 0..<run.lowerBound { target[column] = columns[column] < 0 ? fill : source[columns[column]] }
          if !run.isEmpty { (target + run.lowerBound).update(from: source + columns[run.lowerBound], count: run.count) }
          for column in run.upperBound..<columns.count {
            target[column] = columns[column] < 0 ? fill : source[columns[column]]
          }
        }
      }
    }
  }

  /// Finds the elements of a row that are copied from contiguous inputs: the middle, between padding at both ends.
  private static func run(_ columns: ContiguousArray<Int>) -> Range<Int> {
    let start = columns.indices.first {
      columns[$0] >= 0 && ($0 + 1 == columns.count || columns[$0 + 1] == columns[$0] + 1)
    }
    guard let start else { return 0..<0 }
    let end = columns.indices.dropFirst(start).first { columns[$0] != columns[start] + $0 - start }
    return start..<(end ?? columns.count)
  }

  private func source(of index: Int, in extent: Int) -> Int {
    guard !(0..<extent).contains(index) else { return index }
    return switch mode {
    case .constant: -1
    case .edge: min(max(index, 0), extent - 1)
    case .reflect: index < 0 ? -index : 2 * (extent - 1) - index
    }
  }

  /// Returns the constant's bit pattern in the lowest bits.
  private static func bits(of mode: Mode, as elementType: ElementType) -> UInt64 {
    guard case .constant(let value) = mode else { return 0 }
    return switch elementType {
    case .float32: UInt64(value.bitPattern)
    case .uint8: UInt64(UInt8(clamping: whole(value)))
    case .uint16: UInt64(UInt16(clamping: whole(value)))
    case .int32: UInt64(UInt32(bitPattern: Int32(clamping: whole(value))))
    case .int64: UInt64(bitPattern: Int64(whole(value)))
    }
  }

  private static func whole(_ value: Float) -> Int {
    Int(exactly: value.rounded(.towardZero)) ?? (value > 0 ? .max : value < 0 ? .min : 0)
  }
}

extension Pad: ZeroPadding {
  public func zeroPadding(inputs: [TensorSpec], outputs: [TensorSpec]) -> Padding2D? {
    guard inputs[0].shape.rank == 4, mode == .constant(0) else { return nil }
    var padding: Padding2D = 0
    for amount in amounts {
      guard amount.before >= 0, amount.after >= 0 else { return nil }
      switch inputs[0].shape.normalizedAxis(amount.axis) {
      case 1: (padding.top, padding.bottom) = (amount.before, amount.after)
      case 2: (padding.left, padding.right) = (amount.before, amount.after)
      default: if amount.before != 0 || amount.after != 0 { return nil }
      }
    }
    return padding
  }
}

extension Value {
  /// Pads a feature map with rows and columns.
  public func pad(
    _ padding: Padding2D, mode: Pad.Mode = .constant(0), named name: String = "pad", file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    pad(
      [
        .init(axis: 1, before: padding.top, after: padding.bottom),
        .init(axis: 2, before: padding.left, after: padding.right),
      ], mode: mode, named: name, file: file, line: line)
  }

  /// Pads any axes.
  public func pad(
    _ amounts: [Pad.Amount], mode: Pad.Mode = .constant(0), named name: String = "pad", file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    apply(Pad(amounts, mode: mode), named: name, file: file, line: line)
  }
}

extension Pad {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    guard inputs[0].shape.rank == 4 else { return .everything(of: inputs[0]) }
    func axis(_ axis: Int) -> AxisReach {
      let extent = inputs[0].shape[axis]
      guard let amount = amounts.first(where: { inputs[0].shape.normalizedAxis($0.axis) == axis }) else {
        return .shifted(by: 0, of: extent)
      }
      guard case .constant = mode else {
        return .table((0..<outputs[0].shape[axis]).map { [source(of: $0 - amount.before, in: extent)] }, of: extent)
      }
      return .shifted(by: -amount.before, of: extent)
    }
    return .axes(height: axis(1), width: axis(2))
  }
}

extension Pad: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    var y = inputs[0].properties.part(outputs[0], of: inputs[0].spec)
    let grows = amounts.contains { $0.before > 0 || $0.after > 0 }
    if case .constant(let value) = mode, grows {
      y = y.joined(
        with: ValueProperties(
          range: ValueRange(Double(value)), isInteger: value == value.rounded(), levels: [Double(value)], axes: y.axes))
    }
    return [y]
  }
}

extension Pad: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (x, dy) = (context.inputs[0].shape, context.outputGradient)
    guard case .constant = mode else {
      return context.only(dy.apply(RepeatingPadGradient(self, shape: x), named: "input"))
    }
    // What was cropped has no gradient, what was added takes none.
    return context.only(
      dy.apply(Pad(amounts.map { .init(axis: $0.axis, before: -$0.before, after: -$0.after) }), named: "input"))
  }

  /// The input index of each index of an output axis, for padding that repeats elements.
  func sources(axis: Int, of shape: Shape) -> [Int] {
    let extent = shape[axis]
    guard let amount = amounts.first(where: { shape.normalizedAxis($0.axis) == axis }) else { return Array(0..<extent) }
    return (0..<extent + amount.before + amount.after).map { source(of: $0 - amount.before, in: extent) }
  }
}
