import SegEngine

/// The shapes and types of the results of a node that the evaluator runs, from the shapes and types of its inputs and from
/// those that are constant. Nothing is computed and no memory is allocated for elements. The evaluator's functions
/// take shapes and checks of operands from here where inputs and constants determine them.
struct HostShapes {
  typealias Result = (type: ONNXElement, shape: Shape)

  /// An input: its type and shape, and its elements if it is constant.
  struct Operand {
    let type: ONNXElement
    let shape: Shape
    var known: ONNXConstant? = nil
  }

  let operands: [Operand?]
  /// The node with its constant inputs.
  private let call: ONNXCall

  init(_ node: ONNXNode, _ operands: [Operand?]) {
    self.operands = operands
    call = ONNXCall(node: node, inputs: operands.map { $0?.known })
  }

  /// Describes a node whose inputs are all constant.
  init(_ call: ONNXCall) {
    operands = call.inputs.map { input in input.map { Operand(type: $0.type, shape: $0.shape, known: $0) } }
    self.call = call
  }

  /// Returns the results; `nil` if there is no rule for the operator type.
  ///
  /// - Throws: ``ONNXFailure`` if the inputs do not fit, or one that has to be constant is not.
  func results() throws(ONNXFailure) -> [Result]? {
    let kind = call.node.kind
    if HostShapes.likeFirst.contains(kind) {
      let x = try operand(0)
      return [(x.type, x.shape)]
    }
    if HostShapes.broadcasting.contains(kind) {
      let first = try operand(0)
      return [(first.type, try broadcast(operands.indices))]
    }
    if HostShapes.comparing.contains(kind) { return [(.bool, try broadcast(operands.indices))] }
    if kind.hasPrefix("Reduce") { return [try reduced()] }
    guard let rule = HostShapes.rules[kind] else { return nil }
    return try rule(self)
  }

  /// Returns the shape of the first result.
  ///
  /// - Precondition: There is a rule for the operator type.
  func shape() throws(ONNXFailure) -> Shape {
    guard let first = try results()?.first else { preconditionFailure("there is no rule for \(call.node.kind)") }
    return first.shape
  }

  // MARK: Inputs

  private func operand(_ index: Int) throws(ONNXFailure) -> Operand {
    guard index < operands.count, let operand = operands[index] else {
      throw ONNXFailure("its operand \(index) is missing")
    }
    return operand
  }

  private func has(_ index: Int) -> Bool { index < operands.count && operands[index] != nil }

  /// Returns the integers of a constant input; `nil` if it is omitted and the node does not have the attribute either.
  private func ints(_ name: String, orOperand index: Int) throws(ONNXFailure) -> [Int]? {
    guard has(index) else { return try call.attributes.ints(name) }
    return try call.ints(index)
  }

  private func broadcast(_ indices: Range<Int>) throws(ONNXFailure) -> Shape {
    var shapes: [Shape] = []
    for index in indices { shapes.append(try operand(index).shape) }
    return try call.broadcast(shapes)
  }

  /// Returns the attribute `axis` as an index from the first axis.
  private func axis(_ rank: Int, default value: Int) throws(ONNXFailure) -> Int {
    try call.axis(try call.attributes.int("axis", default: value), of: rank)
  }

  // MARK: Rules

  /// Operators whose result has the type and shape of their first input.
  private static let likeFirst: Set<String> = [
    "Abs", "Neg", "Relu", "Sign", "Floor", "Ceil", "Round", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh",
    "Asinh", "Acosh", "Atanh", "Softsign", "Selu", "Celu", "ThresholdedRelu", "Swish", "Shrink", "Not", "BitwiseNot",
    "Identity", "Clip", "CumSum", "Hardmax", "ScatterElements", "Scatter", "ScatterND", "ReverseSequence", "Trilu",
    "TensorScatter", "RotaryEmbedding", "PRelu",
  ]

  /// Operators whose result has the type of their first input and the shape that all inputs broadcast to.
  private static let broadcasting: Set<String> = [
    "Add", "Sub", "Mul", "Div", "Mod", "Pow", "Max", "Min", "Sum", "And", "Or", "Xor", "BitwiseAnd", "BitwiseOr",
    "BitwiseXor", "BitShift",
  ]

  private static let comparing: Set<String> = [
    "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsNaN", "IsInf",
  ]

  private typealias Rule = @Sendable (HostShapes) throws(ONNXFailure) -> [Result]

  private static let rules: [String: Rule] = [
    "Where": { (x) throws(ONNXFailure) in [(try x.operand(1).type, try x.broadcast(0..<3))] },
    "Cast": { (x) throws(ONNXFailure) in [(try x.type("to"), try x.operand(0).shape)] },
    "CastLike": { (x) throws(ONNXFailure) in [(try x.operand(1).type, try x.operand(0).shape)] },
    "EyeLike": { (x) throws(ONNXFailure) in [(try x.type("dtype"), try x.operand(0).shape)] },
    "Dropout": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      return [(value.type, value.shape), (x.call.opset < 10 ? value.type : .bool, value.shape)]
    },
    "QuantizeLinear": { (x) throws(ONNXFailure) in
      let number = try x.call.attributes.int("output_dtype", default: 0)
      let type = x.has(2) ? try x.operand(2).type : number == 0 ? .uint8 : try x.type("output_dtype")
      return [(type, try x.operand(0).shape)]
    },
    "DequantizeLinear": { (x) throws(ONNXFailure) in [(try x.operand(1).type, try x.operand(0).shape)] },
    "Expand": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      return [(value.type, try x.call.broadcast([value.shape, try x.call.shape(try x.call.ints(1))]))]
    },
    "Tile": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      let repeats = try x.call.ints(1)
      guard repeats.count == value.shape.rank, repeats.allSatisfy({ $0 >= 0 }) else {
        throw ONNXFailure("the repeats \(repeats) do not fit \(value.shape)")
      }
      return [(value.type, try x.call.shape(zip(value.shape.dimensions, repeats).map { clampedProduct($0, $1) }))]
    },
    "Transpose": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      let order = try x.call.attributes.ints("perm") ?? Array((0..<value.shape.rank).reversed())
      guard order.sorted() == Array(0..<value.shape.rank) else {
        throw ONNXFailure("\(order) is no order of \(value.shape)'s axes")
      }
      return [(value.type, Shape(order.map { value.shape[$0] }))]
    },
    "Concat": { (x) throws(ONNXFailure) in
      let first = try x.operand(0)
      let axis = try x.axis(first.shape.rank, default: 1)
      var extent = 0
      for index in x.operands.indices {
        let operand = try x.operand(index)
        guard operand.type == first.type, operand.shape.rank == first.shape.rank,
          (0..<first.shape.rank).allSatisfy({ $0 == axis || operand.shape[$0] == first.shape[$0] })
        else {
          let shapes = x.operands.compactMap { $0?.shape }
          throw ONNXFailure("its operands of \(shapes) cannot be put together along axis \(axis)")
        }
        extent = clampedSum(extent, operand.shape[axis])
      }
      var extents = first.shape.dimensions
      extents[axis] = extent
      return [(first.type, try x.call.shape(extents))]
    },
    "Split": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      let axis = try x.axis(value.shape.rank, default: 0)
      let extent = value.shape[axis]
      let sizes: [Int]
      if let given = try x.ints("split", orOperand: 1) {
        sizes = given
      } else {
        let parts = try x.call.attributes.int("num_outputs") ?? x.call.node.outputs.count
        guard parts > 0, parts <= 1 << 16 else { throw ONNXFailure("it cannot make \(parts) parts") }
        // If the extent is not divisible, the last part is smaller (Split-18).
        let size = (extent + parts - 1) / parts
        sizes = (0..<parts).map { max(0, min(size, extent - $0 * size)) }
      }
      guard sizes.allSatisfy({ $0 >= 0 }), sizes.reduce(0, clampedSum) == extent else {
        throw ONNXFailure("the sizes \(sizes) do not add up to \(extent)")
      }
      return sizes.map { (value.type, value.shape.replacing(axis: axis, with: $0)) }
    },
    "Slice": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      guard let starts = try x.ints("starts", orOperand: 1), let ends = try x.ints("ends", orOperand: 2) else {
        throw ONNXFailure("its starts or ends are missing")
      }
      let axes = try x.call.axes(try x.ints("axes", orOperand: 3) ?? Array(starts.indices), of: value.shape.rank)
      let steps = try x.ints("steps", orOperand: 4) ?? [Int](repeating: 1, count: starts.count)
      guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count else {
        throw ONNXFailure("its starts, ends, axes and steps differ in number")
      }
      var extents = value.shape.dimensions
      for (index, axis) in axes.enumerated() {
        guard steps[index] != 0, steps[index] != .min else {
          throw ONNXFailure("its step along axis \(axis) is \(steps[index])")
        }
        extents[axis] = ONNXStep.range(starts[index], ends[index], steps[index], extent: extents[axis])?.count ?? 0
      }
      return [(value.type, Shape(extents))]
    },
    "Pad": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      guard let pads = try x.ints("pads", orOperand: 1) else { throw ONNXFailure("its pads are missing") }
      let axes = try x.call.axes(x.has(3) ? try x.call.ints(3) : Array(0..<value.shape.rank), of: value.shape.rank)
      guard pads.count == 2 * axes.count else { throw ONNXFailure("the pads \(pads) do not fit \(value.shape)") }
      var extents = value.shape.dimensions
      for (index, axis) in axes.enumerated() {
        extents[axis] = clampedSum(clampedSum(extents[axis], pads[index]), pads[index + axes.count])
      }
      return [(value.type, try x.call.shape(extents))]
    },
    "CenterCropPad": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      let axes = try x.call.axes(
        try x.call.attributes.ints("axes") ?? Array(0..<value.shape.rank), of: value.shape.rank)
      let sizes = try x.call.ints(1)
      guard sizes.count == axes.count else { throw ONNXFailure("the sizes \(sizes) do not fit its axes") }
      var extents = value.shape.dimensions
      for (axis, size) in zip(axes, sizes) { extents[axis] = size }
      return [(value.type, try x.call.shape(extents))]
    },
    "DepthToSpace": { (x) throws(ONNXFailure) in
      let (value, block) = try x.blocks()
      let d = value.shape.dimensions
      guard d[1] % (block * block) == 0 else { throw ONNXFailure("blocks of \(block) do not fit \(value.shape)") }
      return [
        (
          value.type,
          try x.call.shape([d[0], d[1] / (block * block), clampedProduct(d[2], block), clampedProduct(d[3], block)])
        )
      ]
    },
    "SpaceToDepth": { (x) throws(ONNXFailure) in
      let (value, block) = try x.blocks()
      let d = value.shape.dimensions
      guard d[2] % block == 0, d[3] % block == 0 else {
        throw ONNXFailure("blocks of \(block) do not fit \(value.shape)")
      }
      return [(value.type, try x.call.shape([d[0], clampedProduct(d[1], block * block), d[2] / block, d[3] / block]))]
    },
    "Gather": { (x) throws(ONNXFailure) in
      let (value, indices) = (try x.operand(0), try x.operand(1))
      let axis = try x.axis(value.shape.rank, default: 0)
      let extents = value.shape.dimensions
      return [(value.type, try x.call.shape(extents[..<axis] + indices.shape.dimensions + extents[(axis + 1)...]))]
    },
    "GatherElements": { (x) throws(ONNXFailure) in [(try x.operand(0).type, try x.operand(1).shape)] },
    "GatherND": { (x) throws(ONNXFailure) in
      let (value, indices) = (try x.operand(0), try x.operand(1).shape.dimensions)
      let batch = try x.call.attributes.int("batch_dims", default: 0)
      guard let depth = indices.last, batch >= 0, depth >= 0, clampedSum(batch, depth) <= value.shape.rank else {
        throw ONNXFailure("indices of \(indices) do not fit \(value.shape)")
      }
      return [(value.type, try x.call.shape(indices.dropLast() + value.shape.dimensions[(batch + depth)...]))]
    },
    "OneHot": { (x) throws(ONNXFailure) in
      let indices = try x.operand(0)
      let depth = try x.call.scalar(1).ints[0]
      let axis = try x.axis(indices.shape.rank + 1, default: -1)
      let values = try x.operand(2).shape
      guard values == [2], depth > 0 else {
        throw ONNXFailure("its depth \(depth) or values of \(values) are not possible")
      }
      var extents = indices.shape.dimensions
      extents.insert(depth, at: axis)
      return [(try x.operand(2).type, try x.call.shape(extents))]
    },
    "TopK": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      let axis = try x.axis(value.shape.rank, default: -1)
      let count = x.has(1) ? try x.call.scalar(1).ints[0] : try x.call.attributes.int("k", default: -1)
      guard count >= 0, count <= value.shape[axis] else {
        throw ONNXFailure("it cannot pick \(count) of \(value.shape[axis])")
      }
      let shape = value.shape.replacing(axis: axis, with: count)
      return [(value.type, shape), (.int64, shape)]
    },
    "ArgMax": { (x) throws(ONNXFailure) in [try x.chosen()] },
    "ArgMin": { (x) throws(ONNXFailure) in [try x.chosen()] },
    "MatMul": { (x) throws(ONNXFailure) in
      let (a, b) = (try x.operand(0), try x.operand(1))
      guard a.shape.rank > 0, b.shape.rank > 0 else { throw ONNXFailure("its operands are no matrices") }
      let left = a.shape.rank == 1 ? [1] + a.shape.dimensions : a.shape.dimensions
      let right = b.shape.rank == 1 ? b.shape.dimensions + [1] : b.shape.dimensions
      guard left[left.count - 1] == right[right.count - 2] else {
        throw ONNXFailure("\(a.shape) cannot be multiplied by \(b.shape)")
      }
      var extents = try x.call.broadcast([Shape(left.dropLast(2)), Shape(right.dropLast(2))]).dimensions
      if a.shape.rank > 1 { extents.append(left[left.count - 2]) }
      if b.shape.rank > 1 { extents.append(right[right.count - 1]) }
      return [(a.type, try x.call.shape(extents))]
    },
    "Gemm": { (x) throws(ONNXFailure) in
      let (a, b) = (try x.operand(0), try x.operand(1))
      guard a.shape.rank == 2, b.shape.rank == 2 else { throw ONNXFailure("its operands are no matrices") }
      let rows = a.shape[try x.call.attributes.flag("transA") ? 1 : 0]
      let columns = b.shape[try x.call.attributes.flag("transB") ? 0 : 1]
      return [(a.type, try x.call.shape([rows, columns]))]
    },
    "Det": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      guard value.shape.rank >= 2 else { throw ONNXFailure("its operand of \(value.shape) is no matrix") }
      return [(value.type, Shape(value.shape.dimensions.dropLast(2)))]
    },
    "GlobalLpPool": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      return [(value.type, Shape(value.shape.dimensions.enumerated().map { $0 < 2 ? $1 : 1 }))]
    },
    "MaxPool": { (x) throws(ONNXFailure) in
      let (type, shape) = try x.pooled()
      return [(type, shape), (.int64, shape)]
    },
    "LpPool": { (x) throws(ONNXFailure) in [try x.pooled()] },
    "MaxUnpool": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      if x.has(2) { return [(value.type, try x.call.shape(try x.call.ints(2)))] }
      guard value.shape.rank > 2 else { throw ONNXFailure("\(value.shape) has no spatial axes") }
      let windows = try Windows(x.call, image: Array(value.shape.dimensions[2...]), dilated: false)
      let spatial = windows.image.indices.map { axis in
        clampedSum(clampedProduct(windows.image[axis] - 1, windows.strides[axis]), windows.kernel[axis])
          - windows.before[axis] - windows.after[axis]
      }
      return [(value.type, try x.call.shape(value.shape.dimensions[..<2] + spatial))]
    },
    "Col2Im": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      let (image, kernel) = (try x.call.ints(1), try x.call.ints(2))
      let taps = kernel.reduce(1, clampedProduct)
      guard value.shape.rank == 3, taps > 0, value.shape[1] % taps == 0 else {
        throw ONNXFailure("columns of \(value.shape) do not fit a kernel of \(kernel)")
      }
      return [(value.type, try x.call.shape([value.shape[0], value.shape[1] / taps] + image))]
    },
    "Resize": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      return [(value.type, try x.call.shape(try ONNXEvaluator.resizedExtents(x.call, value.shape)))]
    },
    "Upsample": { (x) throws(ONNXFailure) in
      let value = try x.operand(0)
      return [(value.type, try x.call.shape(try ONNXEvaluator.resizedExtents(x.call, value.shape)))]
    },
    "Einsum": { (x) throws(ONNXFailure) in
      var shapes: [Shape] = []
      for index in x.operands.indices { shapes.append(try x.operand(index).shape) }
      return [(try x.operand(0).type, try ONNXEvaluator.einsumShape(x.call, shapes))]
    },
    "GridSample": { (x) throws(ONNXFailure) in
      let (value, grid) = (try x.operand(0), try x.operand(1).shape.dimensions)
      guard value.shape.rank >= 3, grid.count == value.shape.rank, grid.last == value.shape.rank - 2,
        grid[0] == value.shape[0]
      else { throw ONNXFailure("a grid of \(grid) does not fit \(value.shape)") }
      return [(value.type, try x.call.shape(value.shape.dimensions[..<2] + grid.dropFirst().dropLast()))]
    },
    "AffineGrid": { (x) throws(ONNXFailure) in
      let size = try x.call.ints(1)
      guard size.count == 4 || size.count == 5 else { throw ONNXFailure("its size \(size) is no map's") }
      return [(try x.operand(0).type, try x.call.shape([size[0]] + size.dropFirst(2) + [size.count - 2]))]
    },
    "RoiAlign": { (x) throws(ONNXFailure) in
      let (value, regions) = (try x.operand(0), try x.operand(1))
      guard value.shape.rank == 4, regions.shape.rank == 2 else {
        throw ONNXFailure("regions of \(regions.shape) do not fit \(value.shape)")
      }
      let attributes = x.call.attributes
      let size = [try attributes.int("output_height", default: 1), try attributes.int("output_width", default: 1)]
      return [(value.type, try x.call.shape([regions.shape[0], value.shape[1]] + size))]
    },
  ]

  /// Returns the element type that an attribute names, or that of the first input if the node does not have it.
  private func type(_ name: String) throws(ONNXFailure) -> ONNXElement {
    guard let number = try call.attributes.int(name) else { return try operand(0).type }
    guard let type = ONNXElement(rawValue: Int32(clamping: number)) else {
      throw ONNXFailure("the element type \(number) is not supported")
    }
    return type
  }

  private func blocks() throws(ONNXFailure) -> (Operand, Int) {
    let value = try operand(0)
    let block = try call.attributes.int("blocksize", default: 0)
    guard block > 0, block < 1 << 20, value.shape.rank == 4 else {
      throw ONNXFailure("blocks of \(block) do not fit \(value.shape)")
    }
    return (value, block)
  }

  private func reduced() throws(ONNXFailure) -> Result {
    let value = try operand(0)
    var axes = try call.axes(try ints("axes", orOperand: 1) ?? [], of: value.shape.rank)
    if axes.isEmpty, try !call.attributes.flag("noop_with_empty_axes") { axes = Array(0..<value.shape.rank) }
    return (value.type, try without(axes, value.shape))
  }

  private func chosen() throws(ONNXFailure) -> Result {
    let shape = try operand(0).shape
    let axis = try axis(shape.rank, default: 0)
    guard shape[axis] > 0 else { throw ONNXFailure("there is nothing to choose from in \(shape)") }
    return (.int64, try without([axis], shape))
  }

  /// Returns a shape with extent 1 along axes, or without them if the attribute `keepdims` is 0.
  private func without(_ axes: [Int], _ shape: Shape) throws(ONNXFailure) -> Shape {
    let keeps = try call.attributes.flag("keepdims", default: true)
    return Shape(
      shape.dimensions.enumerated().compactMap { axis, extent in axes.contains(axis) ? (keeps ? 1 : nil) : extent })
  }

  private func pooled() throws(ONNXFailure) -> Result {
    let value = try operand(0)
    guard value.shape.rank > 2 else { throw ONNXFailure("\(value.shape) has no spatial axes") }
    var windows = try Windows(call, image: Array(value.shape.dimensions[2...]))
    try windows.count(call)
    return (value.type, try call.shape(value.shape.dimensions[..<2] + windows.counts))
  }
}
