import SegEngine

extension Concat: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let operands = Array(0..<step.inputCount)
    let order = step.commonOrder(ofInputs: operands)
    let place = order.firstIndex(of: step.axis(axis))!
    step.result(
      step.add("Concat", operands.map { step.tensor($0, as: order) }, ["axis": .int(place)]), as: order)
  }
}

extension Split: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let (x, axis) = (step.tensor(), step.axis(axis))
    try step.requireFixed([axis])
    let extents = step.node.outputs.indices.map { step.output($0).shape[axis] }
    let parts = step.add(
      "Split", [x.name, step.integers(extents)], ["axis": .int(x.order.firstIndex(of: axis)!)], outputs: extents.count)
    for (index, part) in parts.enumerated() { step.result(part, as: x.order, output: index) }
  }
}

extension Slice: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let x = step.tensor()
    // Indices beyond the ends are the ends.
    let starts = ranges.map { $0.start ?? ($0.step > 0 ? 0 : Int.max) }
    let ends = ranges.map { $0.end ?? ($0.step > 0 ? Int.max : Int.min) }
    let axes = ranges.map { x.order.firstIndex(of: step.axis($0.axis))! }
    let operands = [starts, ends, axes, ranges.map(\.step)].map(step.integers)
    if ranges.isEmpty { step.forward() } else { step.result(step.add("Slice", [x.name] + operands), as: x.order) }
  }
}

extension Pad: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let x = step.tensor()
    let amounts = amounts.map { (place: x.order.firstIndex(of: step.axis($0.axis))!, amount: $0) }
    func numbers(_ number: (Amount) -> Int) -> [Int] {
      x.order.indices.map { place in amounts.first { $0.place == place }.map { number($0.amount) } ?? 0 }
    }
    let pads = step.integers(numbers(\.before) + numbers(\.after))
    let y: String
    switch mode {
    case .constant(let value):
      // Zeros need no operand.
      let fill = value == 0 ? [] : [step.cast(step.number(value), to: step.input(0).elementType)]
      y = step.add("Pad", [x.name, pads] + fill)
    case .reflect: y = step.add("Pad", [x.name, pads], ["mode": .string("reflect")])
    case .edge: y = step.add("Pad", [x.name, pads], ["mode": .string("edge")])
    }
    step.result(y, as: x.order)
  }
}

extension PadLike: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    try step.requireFixed([1, 2])
    try step.requireFixed([1, 2], ofInput: 1)
    let (x, y) = (step.input(0).shape, step.output().shape)
    let (rows, columns) = (y.height - x.height, y.width - x.width)
    if rows == 0, columns == 0 { return step.forward() }
    let padding = Padding2D(top: rows / 2, left: columns / 2, bottom: rows - rows / 2, right: columns - columns / 2)
    step.result(map: step.padded(step.map(), padding))
  }
}

extension CropLike: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    try step.requireFixed([1, 2])
    try step.requireFixed([1, 2], ofInput: 1)
    let (x, y) = (step.input(0).shape, step.output().shape)
    if x == y { return step.forward() }
    let (top, left) = anchor == .center ? ((x.height - y.height) / 2, (x.width - y.width) / 2) : (0, 0)
    let bounds = [[top, left], [top + y.height, left + y.width], [2, 3]].map(step.integers)
    step.result(map: step.add("Slice", [step.map()] + bounds))
  }
}

extension Transpose: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    step.forward { order in order.map { axis in permutation.firstIndex(of: axis)! } }
  }
}

extension Reshape: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let extents = try step.extents(as: AxisOrder.own(step.output().shape.rank))
    step.result(rows: step.reshaped(step.rows(), to: extents))
  }
}

extension Broadcast: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let rank = step.output().shape.rank
    let x = step.input(0).shape.rank == rank ? step.tensor() : .init(name: step.rows(), order: AxisOrder.own(rank))
    let size: String
    if step.inputCount > 1, try step.extents(as: x.order).contains(-1) {
      // Axis 0 of all tensors is the batch.
      size = try step.shape(as: x.order, batch: step.tensor(1).order[0] == 0 ? step.tensor(1).name : step.rows(1))
    } else {
      // An extent of 1 keeps that of x.
      size = step.integers(try step.extents(as: x.order, open: 1))
    }
    step.result(step.add("Expand", [x.name, size]), as: x.order)
  }
}

extension PixelShuffle: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    step.result(
      map: step.add("DepthToSpace", [step.map()], ["blocksize": .int(factor), "mode": .string("CRD")]))
  }
}

extension PixelUnshuffle: ONNXExporting {
  /// SpaceToDepth has another order of channels.
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    try step.requireFixed([1, 2, 3])
    let (x, y) = (step.input(0).shape, step.output().shape)
    let blocks = step.reshaped(step.map(), to: [0, x.channels, y.height, factor, y.width, factor])
    let moved = step.add("Transpose", [blocks], ["perm": .ints([0, 1, 3, 5, 2, 4])])
    step.result(map: step.reshaped(moved, to: [0, y.channels, y.height, y.width]))
  }
}
