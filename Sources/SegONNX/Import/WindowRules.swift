import SegEngine

extension ONNXImporter {
  /// Convolution and pooling. Maps with one spatial axis become maps of height 1; operations over three spatial axes
  /// are composed of operations over two (``ONNXVolume``).
  static let windowRules: [String: Rule] = [
    "Conv": { step in
      guard step.isFloat(0), let window = try ONNXWindow(step) else { return nil }
      if let volume = ONNXVolume(window) { return [try volume.convolution()] }
      let geometry = try window.geometry(groups: try window.groups())
      var others = [try window.weights(try step.input(1))]
      if step.optional(2) != nil { others.append(try step.value(2)) }
      return [window.result(step.apply(Convolution(geometry), try window.map(), others))]
    },
    "ConvTranspose": { step in
      guard step.isFloat(0), let window = try ONNXWindow(step) else { return nil }
      if let volume = ONNXVolume(window) { return [try volume.transposedConvolution()] }
      let (geometry, outputPadding) = try window.transposedGeometry()
      var others = [try window.weights(try step.input(1))]
      if step.optional(2) != nil { others.append(try step.value(2)) }
      return [
        window.result(
          step.apply(TransposedConvolution(geometry, outputPadding: outputPadding), try window.map(), others))
      ]
    },
    "MaxPool": { step in
      guard step.isFloat(0), let window = try ONNXWindow(step) else { return nil }
      let geometry = try window.geometry(groups: 1)
      let roundsUp = try step.attributes.flag("ceil_mode")
      guard step.node.outputs.count > 1, !step.node.outputs[1].isEmpty else {
        if let volume = ONNXVolume(window) {
          return [try volume.pooled { step.apply(MaxPool($1, roundingUp: roundsUp), $0) }]
        }
        return [window.result(step.apply(MaxPool(geometry, roundingUp: roundsUp), try window.map()))]
      }
      // MaxPool-12 counts indices over the whole tensor, the engine within one plane. MaxUnpool of the engine reads the
      // latter.
      let readers = step.importer.consumers(of: step.node.outputs[1])
      guard !readers.isEmpty, readers.allSatisfy({ $0.kind == "MaxUnpool" }), try step.input(0).rank == 4,
        try !step.attributes.flag("storage_order")
      else { return nil }
      let results = step.builder.add(
        MaxPool(geometry, roundingUp: roundsUp, givesIndices: true), named: step.node.name, to: [try window.map()],
        outputCount: 2)
      return [step.mapResult(results[0]), step.mapResult(results[1], type: .int64)]
    },
    "MaxUnpool": { step in
      // Only indices from the MaxPool rule are supported; others are left to the evaluator.
      guard step.isFloat(0), let window = try ONNXWindow(step), window.spatial < 3,
        case .flowing(let indices, let axes)? = step.optional(1)?.content,
        indices.elementType == .int32, axes == channelsLast(4)
      else { return nil }
      let geometry = try window.geometry(groups: 1)
      let target: MaxUnpool.Target
      if let size = try step.known(2, "output_shape") {
        guard size.ints.count == 4 else { throw ONNXFailure("its output shape \(size.ints) is not of rank 4") }
        target = .size(Extent2D(height: size.ints[2], width: size.ints[3]))
      } else {
        target = .geometry(geometry)
      }
      return [step.mapResult(step.apply(MaxUnpool(to: target), try step.map(), [indices]))]
    },
    "AveragePool": { step in
      guard step.isFloat(0), let window = try ONNXWindow(step) else { return nil }
      let roundsUp = try step.attributes.flag("ceil_mode")
      let countsPadding = try step.attributes.flag("count_include_pad")
      func pool(_ map: Value, _ geometry: ConvolutionGeometry) -> Value {
        step.apply(AveragePool(geometry, roundingUp: roundsUp, countingPadding: countsPadding), map)
      }
      if let volume = ONNXVolume(window) { return [try volume.pooled(pool)] }
      return [window.result(pool(try window.map(), try window.geometry(groups: 1)))]
    },
    "GlobalAveragePool": { step in
      guard step.isFloat(0) else { return nil }
      return [try step.global(.mean)]
    },
    "GlobalMaxPool": { step in
      guard step.isFloat(0) else { return nil }
      return [try step.global(.maximum)]
    },
  ]
}

extension ONNXStep {
  /// Reduces the spatial axes to extent 1.
  fileprivate func global(_ operation: Reduce.Operation) throws(ONNXFailure) -> ONNXValue {
    let map = try map()
    return mapResult(apply(Reduce(operation, axes: Array(1..<max(2, map.shape.rank - 1))), map))
  }
}

/// The attributes that convolution and pooling share, for one to three spatial axes.
struct ONNXWindow {
  let step: ONNXStep
  /// The number of spatial axes.
  /// The extents of the input's spatial axes.
  let spatial: Int
  let input: [Int]
  let kernel: [Int]
  let strides: [Int]
  let dilations: [Int]
  private let pads: [Int]
  private let automatic: String

  /// Reads the attributes of a node; `nil` unless the input has one to three spatial axes.
  init?(_ step: ONNXStep) throws {
    let x = try step.input(0)
    guard (3...5).contains(x.rank) else { return nil }
    self.step = step
    spatial = x.rank - 2
    input = Array(x.dimensions[2...])
    var kernel = try step.attributes.ints("kernel_shape")
    if kernel == nil, let weights = step.optional(1), weights.rank == x.rank {
      kernel = Array(weights.dimensions[2...])
    }
    guard let kernel else { throw ONNXFailure("it has no kernel shape") }
    func list(_ name: String, _ count: Int, _ fallback: Int, _ range: ClosedRange<Int>) throws -> [Int] {
      let values = try step.attributes.ints(name) ?? [Int](repeating: fallback, count: count)
      guard values.count == count else { throw ONNXFailure("its \(name) \(values) is not of \(count) numbers") }
      return try step.bounded(values, name, range)
    }
    guard kernel.count == spatial else {
      throw ONNXFailure("its kernel shape \(kernel) does not go with \(x.dimensions)")
    }
    self.kernel = try step.bounded(kernel, "kernel shape", 1...(1 << 20))
    strides = try list("strides", spatial, 1, 1...(1 << 20))
    dilations = try list("dilations", spatial, 1, 1...(1 << 20))
    pads = try list("pads", 2 * spatial, 0, -(1 << 20)...(1 << 20))
    automatic = try step.attributes.string("auto_pad", default: "NOTSET")
    guard ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", ""].contains(automatic) else {
      throw ONNXFailure("its auto_pad \(automatic) is unknown")
    }
  }

  /// Returns the number of groups.
  func groups() throws -> Int {
    try step.bounded([try step.attributes.int("group", default: 1)], "group", 1...(1 << 20))[0]
  }

  /// Returns the input `[batch, height, width, channels]`, with height 1 if there is one spatial axis.
  func map() throws -> Value {
    let map = try step.map()
    guard spatial == 1 else { return map }
    return map.apply(
      Reshape(to: .dimensions([map.shape[0], 1, map.shape[1], map.shape[2]])), named: step.node.name + ".reshape")
  }

  /// Returns a result of the engine without the height of 1 that ``map()`` has added.
  func result(_ value: Value, type: ONNXElement? = nil) -> ONNXValue {
    guard spatial == 1 else { return step.mapResult(value, type: type) }
    return step.mapResult(
      value.apply(
        Reshape(to: .dimensions([value.shape[0], value.shape[2], value.shape[3]])), named: step.node.name + ".reshape"),
      type: type)
  }

  /// Returns the weights `[outputs, inputs, height, width]`, with height 1 if there is one spatial axis.
  func weights(_ value: ONNXValue) throws -> Value {
    let weights = step.importer.arranged(value)
    guard spatial == 1 else { return weights }
    guard weights.shape.rank == 3 else { throw ONNXFailure("its weights \(weights.shape) are not of rank 3") }
    return weights.apply(
      Reshape(to: .dimensions([weights.shape[0], weights.shape[1], 1, weights.shape[2]])),
      named: step.node.name + ".weights")
  }

  private func pair(_ values: [Int], _ unit: Int) -> Extent2D {
    spatial == 1
      ? Extent2D(height: unit, width: values[0]) : Extent2D(height: values[spatial - 2], width: values[spatial - 1])
  }

  private func padding(_ pads: [Int]) -> Padding2D {
    spatial == 1
      ? Padding2D(top: 0, left: pads[0], bottom: 0, right: pads[1])
      : Padding2D(
        top: pads[spatial - 2], left: pads[spatial - 1], bottom: pads[2 * spatial - 2], right: pads[2 * spatial - 1])
  }

  /// The padding before each axis, followed by that after each axis. `auto_pad` is resolved as Conv-11 defines it.
  var resolvedPads: [Int] {
    var pads = pads
    if automatic == "VALID" { pads = [Int](repeating: 0, count: 2 * spatial) }
    if automatic.hasPrefix("SAME") {
      for axis in 0..<spatial {
        let effective = (kernel[axis] - 1) * dilations[axis] + 1
        let outputs = (input[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (outputs - 1) * strides[axis] + effective - input[axis])
        let small = total / 2
        pads[axis] = automatic == "SAME_UPPER" ? small : total - small
        pads[axis + spatial] = total - pads[axis]
      }
    }
    return pads
  }

  /// Returns the window over the last two spatial axes.
  func geometry(groups: Int) throws -> ConvolutionGeometry {
    ConvolutionGeometry(
      kernel: pair(kernel, 1), stride: pair(strides, 1), dilation: pair(dilations, 1), padding: padding(resolvedPads),
      groups: groups)
  }

  /// Returns the window of a transposed convolution over the last two spatial axes.
  func transposedGeometry() throws -> (ConvolutionGeometry, outputPadding: Extent2D) {
    let (pads, added) = try transposedPads()
    let geometry = ConvolutionGeometry(
      kernel: pair(kernel, 1), stride: pair(strides, 1), dilation: pair(dilations, 1), padding: padding(pads),
      groups: try groups())
    return (geometry, pair(added, 0))
  }

  /// Returns the padding of a transposed convolution, before each axis followed by after each, and the output padding
  /// after each axis (ConvTranspose-11).
  func transposedPads() throws -> (pads: [Int], added: [Int]) {
    let attributes = step.attributes
    var added = try attributes.ints("output_padding") ?? [Int](repeating: 0, count: spatial)
    guard added.count == spatial else { throw ONNXFailure("its output padding \(added) is not of \(spatial) numbers") }
    added = try step.bounded(added, "output padding", 0...(1 << 20))
    var pads = pads
    func extent(_ axis: Int) -> Int {
      (input[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1 + added[axis]
    }
    var wanted = try attributes.ints("output_shape").map { Array($0.suffix(spatial)) }
    if automatic.hasPrefix("SAME"), wanted == nil { wanted = (0..<spatial).map { input[$0] * strides[$0] } }
    if automatic == "VALID" { pads = [Int](repeating: 0, count: 2 * spatial) }
    if let wanted {
      guard wanted.count == spatial else {
        throw ONNXFailure("its output shape \(wanted) is not of \(spatial) numbers")
      }
      for axis in 0..<spatial {
        let total = extent(axis) - (try step.bounded([wanted[axis]], "output shape", 1...(1 << 30))[0])
        // If the requested output is larger than the full one, it is padded at its end.
        guard total >= 0 else {
          pads[axis] = 0
          pads[axis + spatial] = 0
          added[axis] -= total
          continue
        }
        let small = total / 2
        pads[axis] = automatic == "SAME_UPPER" ? small : total - small
        pads[axis + spatial] = total - pads[axis]
      }
    }
    return (pads, added)
  }
}
