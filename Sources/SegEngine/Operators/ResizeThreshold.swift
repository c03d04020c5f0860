/// A mask of the pixels of a resized map above a bound: ``Resize`` and ``Threshold`` fused and computed a row at a time. The resized map is
/// never stored.
///
/// Inputs: x `[batch, height, width, channels]`, float32; the bound, float32 of one element. Output: as that of the ``Threshold``. Values
/// equal those of the two operators, because the arithmetic of a pixel is the same.
struct ResizeThreshold: Operator {
  static let name = "ResizeThreshold"

  /// The resize. Its size does not come from another input.
  let resize: Resize
  /// The comparison.
  let threshold: Threshold

  var latencyKind: String { "\(Self.name) \(resize.interpolation.rawValue)" }

  var attributes: String { resize.attributes }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    return try threshold.outputs(for: resize.outputs(for: [inputs[0]]) + [inputs[1]])
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    guard let resized = try? resize.outputs(for: [inputs[0]]) else { return Cost() }
    let parts = [
      resize.cost(inputs: [inputs[0]], outputs: resized),
      threshold.cost(inputs: resized + [inputs[1]], outputs: outputs),
    ]
    return Cost(
      otherOperations: parts.reduce(0) { $0 + $1.otherOperations }, reading: inputs, writing: outputs)
  }

  func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    guard index == 0, let resized = try? resize.outputs(for: [inputs[0]]) else { return .none }
    return resize.reach(ofInput: 0, inputs: [inputs[0]], outputs: resized)
  }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    switch threshold.elementType {
    case .uint8: prepare(UInt8.self, context)
    case .uint16: prepare(UInt16.self, context)
    default: prepare(Int32.self, context)
    }
  }

  private func prepare<Element: TensorElement & FixedWidthInteger>(
    _ type: Element.Type, _ context: PreparationContext
  ) -> PreparedOperator {
    let (x, resized) = (context.inputs[0].shape, context.outputs[0].shape)
    let (rowCount, workers) = (resized.width * resized.channels, context.workers.threadCount)
    guard resize.isByColumns(from: x, to: resized) else {
      let lines = ResizeLines(resize, from: x, to: resized)
      let perWorker = lines.byteCount + (rowCount + 15) / 16 * 64
      return PreparedOperator(workspaceByteCount: workers * perWorker, algorithm: "rows") { context in
        let (x, bound, device) = (context.input(0), context.input(1).floats[0], context.device)
        let y = context.output().pointer(to: Element.self)
        device.workers.forEachRange(resized.batch * resized.height, grain: max(1, 16384 / max(1, lines.work))) {
          range, worker in
          let memory = context.workspace + worker * perWorker
          let values = (memory + lines.byteCount).assumingMemoryBound(to: Float.self)
          for row in range {
            let line = lines.line(row, of: x, in: memory, on: device)
            lines.pixels(0..<resized.width, of: line, values, yStride: resized.channels, on: device)
            Threshold.compare(values, to: bound, count: rowCount, y + row * rowCount)
          }
        }
      }
    }
    let columns = ResizeColumns(resize, from: x, to: resized)
    let perWorker = columns.byteCount + columns.rowByteCount
    return PreparedOperator(workspaceByteCount: workers * perWorker, algorithm: "rows") { context in
      let (x, bound, device) = (context.input(0), context.input(1).floats[0], context.device)
      let y = context.output().pointer(to: Element.self)
      // Each range recomputes the input rows that it shares with the range before, so ranges are not too small.
      device.workers.forEachRange(resized.batch * resized.height, grain: max(16, 32768 / rowCount)) {
        range, worker in
        let memory = context.workspace + worker * perWorker
        let values = (memory + columns.byteCount).assumingMemoryBound(to: Float.self)
        columns.forEachRow(in: range, of: x, in: memory, scratch: values, on: device) { row, values in
          Threshold.compare(values, to: bound, count: rowCount, y + row * rowCount)
        }
      }
    }
  }
}

extension Threshold: ProducerAbsorbing {
  public func absorbing(_ producer: any Operator, at input: Int, inputs: [TensorSpec]) -> (any Operator)? {
    guard input == 0, let resize = producer as? Resize else { return nil }
    return ResizeThreshold(resize: resize.fixed(to: inputs[0].shape), threshold: self)
  }
}
