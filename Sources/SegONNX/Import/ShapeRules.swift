import SegEngine

extension ONNXImporter {
  /// Operators that move elements or change shapes, for all element types.
  static let shapeRules: [String: Rule] = [
    "Shape": { step in
      let dimensions = try step.input(0).dimensions
      func bound(_ name: String, _ fallback: Int) throws(ONNXFailure) -> Int {
        let value = try step.attributes.int(name, default: fallback)
        return min(
          max(value < 0 ? value.addingReportingOverflow(dimensions.count).partialValue : value, 0), dimensions.count)
      }
      let start = try bound("start", 0), end = try bound("end", dimensions.count)
      let part = start < end ? Array(dimensions[start..<end]) : []
      return [ONNXValue(ONNXConstant(.int64, [part.count], integers: part.map { Int64($0) }))]
    },
    "Size": { step in
      let count = try step.input(0).dimensions.reduce(1, *)
      return [ONNXValue(ONNXConstant(.int64, [], integers: [Int64(count)]))]
    },
    "Transpose": { step in
      let x = try step.input(0)
      let order = try step.attributes.ints("perm") ?? Array((0..<x.rank).reversed())
      guard order.sorted() == Array(0..<x.rank) else {
        throw ONNXFailure("its perm \(order) is no order of \(x.rank) axes")
      }
      guard case .flowing(let value, let axes) = x.content else { return nil }
      // No elements are moved: the file's axis order[i] becomes axis i.
      return [ONNXValue(x.type, value, axes: axes.map { axis in order.firstIndex(of: axis)! })]
    },
    "Reshape": { step in
      let x = try step.input(0)
      guard let target = try step.known(1, "shape") else { throw ONNXFailure("it has no shape") }
      let keepsZero = try step.attributes.flag("allowzero")
      let wanted = target.ints.enumerated().map { index, extent in
        extent == 0 && !keepsZero && index < x.rank ? x.dimensions[index] : extent
      }
      if x.dimensions.contains(0) { return nil }
      return [try step.reshaped(x, to: wanted)]
    },
    "Flatten": { step in
      let x = try step.input(0)
      let given = try step.attributes.int("axis", default: 1)
      let axis = given == x.rank ? given : try step.axis(given, rank: x.rank)
      let dimensions = x.dimensions
      return [try step.reshaped(x, to: [dimensions[..<axis].reduce(1, *), dimensions[axis...].reduce(1, *)])]
    },
    "Squeeze": { step in
      let x = try step.input(0)
      let dimensions = x.dimensions
      let given = try step.known(1, "axes")?.ints ?? step.attributes.ints("axes")
      let axes =
        try given.map { try $0.map { axis throws(ONNXFailure) in try step.axis(axis, rank: x.rank) } }
        ?? dimensions.indices.filter { dimensions[$0] == 1 }
      guard axes.allSatisfy({ dimensions[$0] == 1 }) else {
        throw ONNXFailure("axes \(axes) of \(dimensions) do not all have extent 1")
      }
      return [try step.droppingAxes(x, Set(axes))]
    },
    "Unsqueeze": { step in
      let x = try step.input(0)
      guard let given = try step.known(1, "axes")?.ints ?? step.attributes.ints("axes") else {
        throw ONNXFailure("it has no axes")
      }
      let rank = x.rank + given.count
      let inserted = Set(try given.map { axis throws(ONNXFailure) in try step.axis(axis, rank: rank) })
      guard inserted.count == given.count else { throw ONNXFailure("its axes \(given) name one twice") }
      guard case .flowing(let value, let axes) = x.content else { return nil }
      // The new axes are outermost in memory; the order of the others is kept.
      let kept = (0..<rank).filter { !inserted.contains($0) }
      let shape = [Int](repeating: 1, count: inserted.count) + value.shape.dimensions
      let reshaped = step.apply(Reshape(to: .dimensions(shape)), value)
      return [ONNXValue(x.type, reshaped, axes: inserted.sorted() + axes.map { kept[$0] })]
    },
    "Concat": { step in
      let values = try step.inputs.indices.map { index throws(ONNXFailure) in try step.input(index) }
      guard let first = values.first(where: { $0.known == nil }), values.allSatisfy({ $0.rank == first.rank }),
        values.allSatisfy({ $0.type == first.type })
      else { throw ONNXFailure("its operands \(values.map(\.dimensions)) differ in rank or type") }
      guard let given = try step.attributes.int("axis") else { throw ONNXFailure("it has no axis") }
      let axis = try step.axis(given, rank: first.rank)
      // The result has the memory order of a feature map, if one is among the inputs.
      let order = values.first { $0.known == nil && $0.axes != Array(0..<$0.rank) }?.axes ?? first.axes
      let operands = values.map { step.importer.arranged($0, as: order) }
      let joined = step.apply(Concat(axis: order.firstIndex(of: axis)!), operands[0], Array(operands.dropFirst()))
      return [ONNXValue(first.type, joined, axes: order)]
    },
    "Split": { step in
      let x = try step.input(0)
      guard case .flowing(let value, let order) = x.content else { return nil }
      let axis = try step.axis(try step.attributes.int("axis", default: 0), rank: x.rank)
      let extent = x.dimensions[axis]
      let parts = step.node.outputs.count
      var sizes = try step.known(1, "split")?.ints ?? step.attributes.ints("split")
      if sizes == nil {
        let size = (extent + parts - 1) / max(1, parts)
        sizes = (0..<parts).map { max(0, min(size, extent - $0 * size)) }
      }
      if let sizes, sizes.contains(0) { return nil }
      guard let sizes, sizes.count == parts, sizes.allSatisfy({ $0 > 0 && $0 <= extent }), sizes.reduce(0, +) == extent
      else { throw ONNXFailure("its sizes do not cut axis \(axis) of \(x.dimensions) into \(parts) parts") }
      return step.builder.add(
        Split(.sizes(sizes), axis: order.firstIndex(of: axis)!), named: step.node.name, to: [value], outputCount: parts
      ).map { ONNXValue(x.type, $0, axes: order) }
    },
    "Slice": { step in
      let x = try step.input(0)
      guard case .flowing(let value, let order) = x.content else { return nil }
      guard let starts = try step.known(1, "starts")?.ints ?? step.attributes.ints("starts"),
        let ends = try step.known(2, "ends")?.ints ?? step.attributes.ints("ends"), starts.count == ends.count
      else { throw ONNXFailure("its starts and ends do not go together") }
      let axes = try step.known(3, "axes")?.ints ?? step.attributes.ints("axes") ?? Array(starts.indices)
      let steps = try step.known(4, "steps")?.ints ?? [Int](repeating: 1, count: starts.count)
      guard axes.count == starts.count, steps.count == starts.count else {
        throw ONNXFailure("its starts, axes and steps do not go together")
      }
      var ranges: [Slice.Range] = []
      for index in starts.indices {
        let axis = try step.axis(axes[index], rank: x.rank)
        let extent = x.dimensions[axis]
        guard steps[index] != 0, steps[index] != .min else { throw ONNXFailure("it has a step of \(steps[index])") }
        guard
          let (first, count) = ONNXStep.range(starts[index], ends[index], steps[index], extent: extent), count > 0
        else { return nil }
        let stride = min(max(steps[index], -extent), extent)
        // A descending range that ends with element 0 has no end.
        let end = first + count * stride
        ranges.append(
          Slice.Range(
            axis: order.firstIndex(of: axis)!, from: first, to: end < 0 ? nil : min(end, extent), step: stride))
      }
      return [ONNXValue(x.type, step.apply(Slice(ranges), value), axes: order)]
    },
    "Gather": { step in
      let x = try step.input(0)
      guard case .flowing(let value, let order) = x.content, let indices = step.optional(1)?.known else { return nil }
      let axis = try step.axis(try step.attributes.int("axis", default: 0), rank: x.rank)
      let position = order.firstIndex(of: axis)!
      let extent = x.dimensions[axis]
      // A single index is a slice; a short list of indices is a concatenation of slices.
      guard indices.shape.rank <= 1, (1...8).contains(indices.tensor.count) else { return nil }
      let places = try indices.ints.map { index throws(ONNXFailure) -> Int in
        guard index >= -extent, index < extent else {
          throw ONNXFailure("there is no index \(index) in extent \(extent)")
        }
        return index < 0 ? index + extent : index
      }
      let slices = places.map {
        value.apply(Slice([.init(axis: position, from: $0, to: $0 + 1)]), named: step.node.name + ".slice")
      }
      let joined = slices.count == 1 ? slices[0] : slices.concatenated(axis: position, named: step.node.name)
      let gathered = ONNXValue(x.type, joined, axes: order)
      return [indices.shape.rank == 0 ? try step.droppingAxes(gathered, [axis]) : gathered]
    },
    "Pad": { step in
      let x = try step.input(0)
      guard case .flowing(let value, let order) = x.content else { return nil }
      guard let pads = try step.known(1, "pads")?.ints ?? step.attributes.ints("pads") else {
        throw ONNXFailure("it has no pads")
      }
      let axes =
        try step.known(3, "axes")?.ints.map { axis throws(ONNXFailure) in try step.axis(axis, rank: x.rank) }
        ?? Array(0..<x.rank)
      guard pads.count == 2 * axes.count, Set(axes).count == axes.count else {
        throw ONNXFailure("\(pads.count) pads do not go with axes \(axes)")
      }
      _ = try step.bounded(pads, "pads", -(1 << 30)...(1 << 30))
      let mode: Pad.Mode
      switch try step.attributes.string("mode", default: "constant") {
      case "constant":
        let number = try step.known(2, "value")?.floats.first ?? step.attributes.float("value", default: 0)
        mode = .constant(number)
      case "reflect": mode = .reflect
      case "edge": mode = .edge
      default: return nil
      }
      let amounts = axes.indices.compactMap { index -> Pad.Amount? in
        let (before, after) = (pads[index], pads[index + axes.count])
        return before == 0 && after == 0
          ? nil : Pad.Amount(axis: order.firstIndex(of: axes[index])!, before: before, after: after)
      }
      if amounts.isEmpty { return [x] }
      if mode != .constant(0), amounts.contains(where: { $0.before < 0 || $0.after < 0 }), !step.isFloat(0) {
        return nil
      }
      return [ONNXValue(x.type, step.apply(Pad(amounts, mode: mode), value), axes: order)]
    },
    "Expand": { step in
      let x = try step.input(0)
      guard step.isFloat(0), let target = try step.known(1, "shape") else { return nil }
      guard let wanted = Shape(validating: target.ints), let shape = Shape(x.dimensions).broadcast(with: wanted) else {
        throw ONNXFailure("\(x.dimensions) does not broadcast to \(target.ints)")
      }
      if shape.dimensions == x.dimensions { return [x] }
      let extended = step.extended(x, to: shape.rank)
      let order = extended.axes
      let value = step.importer.arranged(extended, as: order)
      return [ONNXValue(x.type, step.apply(Broadcast(to: .shape(order.map { shape[$0] })), value), axes: order)]
    },
    "DepthToSpace": { step in
      let x = try step.input(0)
      guard step.isFloat(0), x.rank == 4 else { return nil }
      let factor = try step.bounded([try step.attributes.int("blocksize", default: 0)], "blocksize", 1...4096)[0]
      let isColumnRowDepth = try step.attributes.string("mode", default: "DCR") == "CRD"
      if isColumnRowDepth { return [step.mapResult(step.apply(PixelShuffle(factor), try step.map()))] }
      let d = x.dimensions
      guard d[1] % (factor * factor) == 0 else { throw ONNXFailure("\(d) has no multiple of \(factor)² channels") }
      let map = try step.map()
      // Mode DCR: the channels are [block row, block column, depth] (DepthToSpace-13).
      let blocks = map.apply(
        Reshape(to: .dimensions([d[0], d[2], d[3], factor, factor, d[1] / (factor * factor)])),
        named: step.node.name + ".blocks")
      let moved = blocks.apply(Transpose([0, 1, 3, 2, 4, 5]), named: step.node.name + ".transpose")
      let shape = [d[0], d[2] * factor, d[3] * factor, d[1] / (factor * factor)]
      return [step.mapResult(step.apply(Reshape(to: .dimensions(shape)), moved))]
    },
    "SpaceToDepth": { step in
      let x = try step.input(0)
      guard step.isFloat(0), x.rank == 4 else { return nil }
      let factor = try step.bounded([try step.attributes.int("blocksize", default: 0)], "blocksize", 1...4096)[0]
      let d = x.dimensions
      guard d[2] % factor == 0, d[3] % factor == 0 else {
        throw ONNXFailure("height and width of \(d) are no multiples of \(factor)")
      }
      let map = try step.map()
      let blocks = map.apply(
        Reshape(to: .dimensions([d[0], d[2] / factor, factor, d[3] / factor, factor, d[1]])),
        named: step.node.name + ".blocks")
      let moved = blocks.apply(Transpose([0, 1, 3, 2, 4, 5]), named: step.node.name + ".transpose")
      let shape = [d[0], d[2] / factor, d[3] / factor, d[1] * factor * factor]
      return [step.mapResult(step.apply(Reshape(to: .dimensions(shape)), moved))]
    },
  ]
}

extension ONNXStep {
  /// Returns the same elements, in the file's order, with another shape. One extent may be −1 and is then inferred.
  func reshaped(_ x: ONNXValue, to wanted: [Int]) throws(ONNXFailure) -> ONNXValue {
    let count = x.dimensions.reduce(1, *)
    var extents = wanted
    if let open = wanted.firstIndex(of: -1) {
      var rest = 1
      for (index, extent) in wanted.enumerated() where index != open {
        let (product, overflow) = rest.multipliedReportingOverflow(by: extent)
        guard !overflow else { throw ONNXFailure("its shape \(wanted) overflows") }
        rest = product
      }
      guard rest > 0, count % rest == 0 else { throw ONNXFailure("\(x.dimensions) cannot be seen as \(wanted)") }
      extents[open] = count / rest
    }
    guard let shape = Shape(validating: extents), shape.elementCount == count else {
      throw ONNXFailure("\(x.dimensions) cannot be seen as \(wanted)")
    }
    if extents == x.dimensions { return x }
    // If only axes of extent 1 are inserted or removed, the memory order of the others is kept.
    if case .flowing(let value, let axes) = x.content, axes != Array(0..<x.rank) {
      let kept = x.dimensions.indices.filter { x.dimensions[$0] != 1 }
      let target = extents.indices.filter { extents[$0] != 1 }
      if kept.map({ x.dimensions[$0] }) == target.map({ extents[$0] }) {
        let number = Dictionary(uniqueKeysWithValues: zip(kept, target))
        let units = extents.indices.filter { extents[$0] == 1 }
        let moved = axes.compactMap { number[$0] }
        let lying = [Int](repeating: 1, count: units.count) + moved.map { extents[$0] }
        return ONNXValue(x.type, apply(Reshape(to: .dimensions(lying)), value), axes: units + moved)
      }
    }
    return ONNXValue(x.type, apply(Reshape(to: .dimensions(extents)), importer.arranged(x)))
  }

  /// Returns the value without some axes, which have extent 1.
  func droppingAxes(_ x: ONNXValue, _ dropped: Set<Int>) throws(ONNXFailure) -> ONNXValue {
    guard case .flowing(let value, let axes) = x.content else {
      return try reshaped(x, to: x.dimensions.indices.filter { !dropped.contains($0) }.map { x.dimensions[$0] })
    }
    if dropped.isEmpty { return x }
    let kept = (0..<x.rank).filter { !dropped.contains($0) }
    let number = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    let lying = axes.indices.filter { !dropped.contains(axes[$0]) }
    let reshaped = apply(Reshape(to: .dimensions(lying.map { value.shape[$0] })), value)
    return ONNXValue(x.type, reshaped, axes: lying.map { number[axes[$0]]! })
  }

  /// Returns the first index and the number of elements of a slice, as Slice-13 and NumPy define it; `nil` if the slice
  /// is empty.
  static func range(_ start: Int, _ end: Int, _ step: Int, extent: Int) -> (first: Int, count: Int)? {
    func clamped(_ value: Int, _ low: Int, _ high: Int) -> Int {
      let counted = value < 0 ? max(value, -extent - 1) + extent : value
      return min(max(counted, low), high)
    }
    if step > 0 {
      let (first, last) = (clamped(start, 0, extent), clamped(end, 0, extent))
      return first < last ? (first, (last - first - 1) / step + 1) : nil
    }
    let first = clamped(start, 0, extent - 1)
    // An end below −extent includes element 0.
    let last = end < -extent ? -1 : clamped(end, -1, extent - 1)
    return first > last && extent > 0 ? (first, (first - last - 1) / -step + 1) : nil
  }
}
