/// The class of each pixel of a resized map: ``Resize`` and ``ArgMax`` over the channels, fused and computed in tiles of pixels. The
/// resized map, which is as large as the label map times the number of classes, is never stored.
///
/// Input: x `[batch, height, width, channels]`, float32. Output: as that of the ``ArgMax``. The labels equal those of the two operators,
/// because the arithmetic of a pixel is the same.
struct ResizeArgMax: Operator {
  static let name = "ResizeArgMax"

  /// The resize. Its size does not come from another input.
  let resize: Resize
  /// The operator that computes labels.
  let argMax: ArgMax

  var latencyKind: String { "\(Self.name) \(resize.interpolation.rawValue)" }

  var attributes: String { resize.attributes }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try argMax.outputs(for: resize.outputs(for: inputs))
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    guard let resized = try? resize.outputs(for: inputs) else { return Cost() }
    let parts = [resize.cost(inputs: inputs, outputs: resized), argMax.cost(inputs: resized, outputs: outputs)]
    return Cost(
      otherOperations: parts.reduce(0) { $0 + $1.otherOperations }, reading: inputs, writing: outputs)
  }

  var takesRowStrides: Bool { true }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    switch argMax.elementType {
    case .int64: prepare(Int64.self, context)
    case .uint16: prepare(UInt16.self, context)
    default: prepare(Int32.self, context)
    }
  }

  private func prepare<Index: TensorElement & FixedWidthInteger>(
    _ type: Index.Type, _ context: PreparationContext
  ) -> PreparedOperator {
    guard let resized = try? resize.outputs(for: context.inputs)[0].shape else {
      preconditionFailure("shapes were checked")
    }
    let lines = ResizeLines(resize, from: context.inputs[0].shape, to: resized)
    let (width, channels) = (resized.width, resized.channels)
    // The pixels of a tile fit the first-level cache.
    let tile = min(width, max(16, 8192 / max(1, channels)))
    let tileBytes = (tile * channels + 15) / 16 * 64
    let perWorker = lines.byteCount + tileBytes + (tile + 15) / 16 * 64
    let keepsAxis = argMax.keepsAxis
    return PreparedOperator(
      workspaceByteCount: context.workers.threadCount * perWorker, algorithm: "tiles of \(tile) pixels"
    ) { context in
      let (x, y) = (context.input(0), context.output())
      let device = context.device
      let (rowStep, columnStep) = keepsAxis ? (width * y.rowStride, y.rowStride) : (y.rowStride, 1)
      device.workers.forEachRange(resized.batch * resized.height, grain: max(1, 16384 / max(1, lines.work))) {
        rows, worker in
        let memory = context.workspace + worker * perWorker
        let pixels = (memory + lines.byteCount).assumingMemoryBound(to: Float.self)
        let found = (memory + lines.byteCount + tileBytes).assumingMemoryBound(to: Int32.self)
        for row in rows {
          let line = lines.line(row, of: x, in: memory, on: device)
          let labels = y.pointer(to: Index.self) + row * rowStep
          for start in stride(from: 0, to: width, by: tile) {
            let count = min(tile, width - start)
            lines.pixels(start..<start + count, of: line, pixels, yStride: channels, on: device)
            device.kernels.argmax(pixels, xStride: channels, rows: count, channels: channels, found)
            for column in 0..<count { labels[(start + column) * columnStep] = Index(truncatingIfNeeded: found[column]) }
          }
        }
      }
    }
  }
}

extension ArgMax: ProducerAbsorbing {
  public func absorbing(_ producer: any Operator, at input: Int, inputs: [TensorSpec]) -> (any Operator)? {
    guard let resize = producer as? Resize, inputs[0].shape.normalizedAxis(axis) == 3 else { return nil }
    return ResizeArgMax(resize: resize.fixed(to: inputs[0].shape), argMax: self)
  }
}
