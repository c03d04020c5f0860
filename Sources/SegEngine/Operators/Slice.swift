/// A part of a tensor: a range of some axes, with a step that may be negative.
///
/// Input: x of any shape and type. Output: along each given axis, the elements start, start + step, … before end; all elements of the other
/// axes. Indices outside follow NumPy's rules. Exact.
public struct Slice: Operator {
  public static let name = "Slice"

  /// The range along one axis.
  public struct Range: Hashable, Sendable, CustomStringConvertible {
    /// The axis; negative counts from the end.
    public var axis: Int
    /// The first index; negative counts from the end. `nil` is the first index of the axis, or with a negative step the last.
    public var start: Int?
    /// The index to stop before; negative counts from the end. `nil` is past the last index, or with a negative step before the first.
    public var end: Int?
    /// The distance between indices; not 0.
    public var step: Int

    /// Describes a range of an axis.
    ///
    /// - Precondition: `step` is not 0.
    public init(axis: Int, from start: Int? = nil, to end: Int? = nil, step: Int = 1) {
      precondition(step != 0, "a step of 0 goes nowhere")
      self.axis = axis
      self.start = start
      self.end = end
      self.step = step
    }

    public var description: String {
      let bounds = "\(start.map(String.init) ?? ""):\(end.map(String.init) ?? "")"
      return "axis \(axis) \(bounds)" + (step == 1 ? "" : ":\(step)")
    }

    /// Computes the first index and the number of indices for an axis of `extent`.
    func resolved(_ extent: Int) -> (start: Int, count: Int) {
      let low = step > 0 ? 0 : -1
      let high = step > 0 ? extent : extent - 1
      func bounded(_ index: Int) -> Int { min(max(index < 0 ? index + extent : index, low), high) }
      let first = start.map(bounded) ?? (step > 0 ? low : high)
      let last = end.map(bounded) ?? (step > 0 ? high : low)
      let distance = step > 0 ? last - first : first - last
      // `magnitude - 1` cannot overflow; the sum could.
      return (first, distance <= 0 ? 0 : Int((UInt(distance) - 1) / step.magnitude) + 1)
    }
  }

  /// The ranges; an axis without a range is kept whole.
  public let ranges: [Range]

  /// Makes the operator.
  public init(_ ranges: [Range]) { self.ranges = ranges }

  public var attributes: String { ranges.map(\.description).joined(separator: ", ") }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    let x = inputs[0].shape
    var dimensions = x.dimensions
    var seen = Set<Int>()
    for range in ranges {
      let axis = try axis(range.axis, of: x)
      try require(seen.insert(axis).inserted, "axis \(axis) of \(x) is sliced twice")
      dimensions[axis] = range.resolved(x[axis]).count
    }
    return [TensorSpec(try shape(dimensions), inputs[0].elementType)]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost(reading: outputs, writing: outputs) }

  public var takesRowStrides: Bool { true }

  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? {
    let x = inputs[0].shape
    let isWhole = ranges.allSatisfy { range in
      x.normalizedAxis(range.axis).map { x[$0] == range.resolved(x[$0]).count && (range.step == 1 || x[$0] <= 1) }
        ?? false
    }
    return isWhole ? 0 : nil
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (x, y) = (context.inputs[0].shape, context.outputs[0].shape)
    var sources = x.viewStrides
    var offset = ViewStride()
    for range in ranges {
      guard let axis = x.normalizedAxis(range.axis) else { preconditionFailure("shapes were checked") }
      offset = offset + sources[axis] * range.resolved(x[axis]).start
      // With one element the step is not used, and may be too large to multiply.
      sources[axis] = sources[axis] * (y[axis] > 1 ? range.step : 1)
    }
    let axes = zip(y.dimensions, zip(sources, y.viewStrides)).map {
      StridedCopy.Axis(extent: $0, source: $1.0, target: $1.1)
    }
    let copy = StridedCopy(
      axes, elementType: context.inputs[0].elementType, from: x, to: y, sourceOffset: offset)
    return PreparedOperator { copy.run($0.input(0), $0.output(), over: $0.workers) }
  }
}

extension Slice: Splitting {
  public var partAxis: Int? { nil }

  public func partOffsets(inputs: [TensorSpec], outputs: [TensorSpec]) -> [ViewStride]? {
    let (x, y) = (inputs[0].shape, outputs[0].shape)
    let cut = x.dimensions.indices.filter { x[$0] != y[$0] }
    guard cut.count == 1, ranges.allSatisfy({ $0.step == 1 }),
      let range = ranges.first(where: { x.normalizedAxis($0.axis) == cut[0] })
    else { return nil }
    let (start, count) = range.resolved(x[cut[0]])
    return x.partOffsets(extents: [start, count], along: cut[0]).map { [$0[1]] }
  }
}

extension Value {
  /// Slices one axis from `start` to before `end`; negative counts from the end, `nil` leaves that side open.
  public func slice(
    axis: Int, from start: Int? = nil, to end: Int? = nil, step: Int = 1, named name: String = "slice",
    file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    slice([.init(axis: axis, from: start, to: end, step: step)], named: name, file: file, line: line)
  }

  /// Slices several axes.
  public func slice(
    _ ranges: [Slice.Range], named name: String = "slice", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(Slice(ranges), named: name, file: file, line: line)
  }
}

extension Slice {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    guard inputs[0].shape.rank == 4 else { return .everything(of: inputs[0]) }
    func axis(_ axis: Int) -> AxisReach {
      let extent = inputs[0].shape[axis]
      guard let range = ranges.first(where: { inputs[0].shape.normalizedAxis($0.axis) == axis }) else {
        return .shifted(by: 0, of: extent)
      }
      return .window(stride: range.step, first: range.resolved(extent).start, step: 1, count: 1, of: extent)
    }
    return .axes(height: axis(1), width: axis(2))
  }
}

extension Slice: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    if forwardedInput(inputs: inputs.map(\.spec), outputs: outputs) == 0 { return [inputs[0].properties] }
    return [inputs[0].properties.part(outputs[0], of: inputs[0].spec)]
  }
}

extension ValueProperties {
  /// Returns the properties of a subset of the elements, with the axes in the same order.
  func part(_ output: TensorSpec, of input: TensorSpec) -> ValueProperties {
    var y = self
    y.axes = zip(axes, output.shape.dimensions).map { $0.resized(to: $1) }
    if let axis = unitSumAxis, output.shape[axis] != input.shape[axis] { y.unitSumAxis = nil }
    y.relation = nil
    return y
  }
}

extension Slice: ElementSelecting {
  /// Returns the input.
  public func selectedInputs(inputs: [TensorSpec], outputs: [TensorSpec]) -> [Int] { [0] }
}

extension Slice: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (x, dy) = (context.inputs[0].shape, context.outputGradient)
    guard ranges.allSatisfy({ $0.step == 1 }) else {
      return context.only(dy.apply(SliceGradient(self, shape: x), named: "input"))
    }
    return context.only(
      dy.apply(
        Pad(
          ranges.map { range in
            guard let axis = x.normalizedAxis(range.axis) else { preconditionFailure("shapes were checked") }
            let (start, count) = range.resolved(x[axis])
            return Pad.Amount(axis: axis, before: start, after: x[axis] - start - count)
          }), named: "input"))
  }
}
