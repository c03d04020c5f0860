extension ConvolutionProblem {
  /// Makes the matrix of one group's forward weights: rows are (tap, input channel of the group), columns the output channels.
  func tapMajorMatrix(on device: ComputeDevice) -> PanelMatrix {
    let rows = (0..<taps).flatMap { tap in (0..<groupInputs).map { $0 * weights.input + weights.tap(tap) } }
    return PanelMatrix(
      rowOffsets: rows, columnOffsets: (0..<groupOutputs).map { $0 * weights.output }, on: device)
  }

  /// Packs weights as the right-hand matrices of products with patches: one matrix per group,
  /// whose rows are (tap, input channel of the group) and whose columns are the group's output channels.
  func packTapMajor(
    _ source: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool
  ) {
    let (inputs, outputs, step) = (groupInputs, groupOutputs, weights.output)
    let depth = taps * inputs
    workers.forEachRange(geometry.groups * depth, grain: max(1, 65536 / outputs)) { rows, _ in
      for index in rows {
        let (group, row) = index.quotientAndRemainder(dividingBy: depth)
        let (tap, input) = row.quotientAndRemainder(dividingBy: inputs)
        let first = source + group * weights.group + input * weights.input + weights.tap(tap)
        for output in 0..<outputs { packed[index * outputs + output] = first[output * step] }
      }
    }
  }
}
