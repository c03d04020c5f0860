extension ConvolutionProblem {
  /// Packs weights `[out, in / groups, kernelHeight, kernelWidth]` as the right-hand matrices of products with patches: one matrix per group,
  /// whose rows are (tap, input channel of the group) and whose columns are the group's output channels.
  ///
  /// - Parameter rowStride: Floats from one row of a kernel to the next; by default they adjoin.
  func packTapMajor(
    _ weights: UnsafePointer<Float>, rowStride: Int? = nil, into packed: UnsafeMutablePointer<Float>,
    over workers: WorkerPool
  ) {
    let (kernelHeight, kernelWidth) = (geometry.kernel.height, geometry.kernel.width)
    let row = rowStride ?? kernelWidth
    let (taps, inputs, outputs) = (taps, groupInputs, groupOutputs)
    let depth = taps * inputs
    workers.forEachRange(geometry.groups * depth, grain: max(1, 65536 / outputs)) { rows, _ in
      for index in rows {
        let (group, place) = index.quotientAndRemainder(dividingBy: depth)
        let (tap, input) = place.quotientAndRemainder(dividingBy: inputs)
        let kernel = (group * outputs * inputs + input) * kernelHeight + tap / kernelWidth
        let source = weights + kernel * row + tap % kernelWidth
        let step = inputs * kernelHeight * row
        for output in 0..<outputs { packed[index * outputs + output] = source[output * step] }
      }
    }
  }
}
