/// f(addend + resized x): the top-down step of a feature pyramid (Lin et al. 2017), computed in tiles of pixels. The resized map is never
/// stored.
///
/// Inputs: x `[batch, height, width, channels]`, addend `[batch, outHeight, outWidth, channels]`, float32. Output: as the addend,
/// whose memory it may overwrite. Values equal those of ``Resize`` and then ``Binary``.
struct ResizeSum: Operator {
  static let name = "ResizeSum"

  /// The resize. Its size does not come from another input.
  let resize: Resize
  /// The function applied to the sum.
  let function: ElementwiseFunction

  var latencyKind: String { "\(Self.name) \(resize.interpolation.rawValue)" }

  var attributes: String { resize.attributes + (function == .identity ? "" : " + \(function)") }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    let resized = try resize.outputs(for: [inputs[0]])
    try requireFeatureMap(inputs[0])
    try require(inputs[1] == resized[0], "\(inputs[1]) cannot be added to \(resized[0])")
    return resized
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let resized = resize.cost(inputs: inputs, outputs: outputs)
    return Cost(
      otherOperations: resized.otherOperations + (1 + function.operationCount) * outputs[0].shape.elementCount,
      reading: inputs, writing: outputs)
  }

  func overwritableInputs(of count: Int) -> [Int] { [1] }
  var takesRowStrides: Bool { true }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    let shape = context.outputs[0].shape
    let lines = ResizeLines(resize, from: context.inputs[0].shape, to: shape)
    let (width, channels, function) = (shape.width, shape.channels, function)
    // The pixels of a tile fit the first-level cache.
    let tile = min(width, max(1, 4096 / max(1, channels)))
    let perWorker = lines.byteCount + (tile * channels + 15) / 16 * 64
    return PreparedOperator(
      workspaceByteCount: context.workers.threadCount * perWorker, algorithm: "tiles of \(tile) pixels"
    ) { context in
      let (x, addend, y) = (context.input(0), context.input(1), context.output())
      let device = context.device
      let isFlat = addend.rowStride == channels && y.rowStride == channels
      device.workers.forEachRange(shape.batch * shape.height, grain: max(1, 16384 / max(1, lines.work))) {
        rows, worker in
        let memory = context.workspace + worker * perWorker
        let pixels = (memory + lines.byteCount).assumingMemoryBound(to: Float.self)
        for row in rows {
          let line = lines.line(row, of: x, in: memory, on: device)
          for start in stride(from: 0, to: width, by: tile) {
            let count = min(tile, width - start)
            lines.pixels(start..<start + count, of: line, pixels, yStride: channels, on: device)
            let first = row * width + start
            let (runs, length) = isFlat ? (1, count * channels) : (count, channels)
            for run in 0..<runs {
              let target = y.floats + (first + run) * y.rowStride
              device.kernels.combine(
                .add, addend.floats + (first + run) * addend.rowStride, pStep: 1, pixels + run * channels, qStep: 1,
                target, count: length)
              if function != .identity { device.kernels.map(function, target, target, count: length) }
            }
          }
        }
      }
    }
  }
}

extension ResizeSum: FunctionAbsorbing {
  public func absorbing(_ function: ElementwiseFunction) -> (any Operator)? {
    self.function == .identity ? ResizeSum(resize: resize, function: function) : nil
  }
}

extension Binary: ProducerAbsorbing {
  public func absorbing(_ producer: any Operator, at input: Int, inputs: [TensorSpec]) -> (any Operator)? {
    // Narrow maps are faster to resize separately, a row at a time.
    guard operation == .add, let resize = producer as? Resize, inputs[0] == inputs[1],
      inputs[0].shape.channels >= Resize.narrow
    else { return nil }
    return ResizeSum(resize: resize.fixed(to: inputs[0].shape), function: function)
  }
}

extension ResizeSum {
  func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    index == 0
      ? resize.reach(ofInput: 0, inputs: inputs, outputs: outputs) : .samePixel(of: inputs[index])
  }
}
