extension ConvolutionProblem {
  /// Makes the matrix of one group's forward weights: rows are (tap, input channel of the group), columns the output channels.
  func tapMajorMatrix(on device: ComputeDevice) -> PanelMatrix {
    let rows = (0..<taps).flatMap { tap in (0..<groupInputs).map { $0 * taps + tap } }
    return PanelMatrix(
      rowOffsets: rows, columnOffsets: (0..<groupOutputs).map { $0 * groupInputs * taps }, on: device)
  }

  /// Packs weights `[out, in / groups, kernelHeight, kernelWidth]` as the right-hand matrices of products with patches: one matrix per group,
  /// whose rows are (tap, input channel of the group) and whose columns are the group's output channels.
  func packTapMajor(
    _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool
  ) {
    let (taps, inputs, outputs) = (taps, groupInputs, groupOutputs)
    let depth = taps * inputs
    workers.forEachRange(geometry.groups * depth, grain: max(1, 65536 / outputs)) { rows, _ in
      for index in rows {
        let (group, row) = index.quotientAndRemainder(dividingBy: depth)
        let (tap, input) = row.quotientAndRemainder(dividingBy: inputs)
        let source = weights + (group * outputs * inputs + input) * taps + tap
        for output in 0..<outputs { packed[index * outputs + output] = source[output * depth] }
      }
    }
  }
}
