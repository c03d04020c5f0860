extension ConvolutionProblem {
  /// Makes the matrix of one group's forward weights: rows are (tap, input channel of the group), columns the output channels.
  func tapMajorMatrix(on device: ComputeDevice) -> PanelMatrix {
    let rows = (0..<taps).flatMap { tap in (0..<groupInputs).map { $0 * taps + tap } }
    return PanelMatrix(
      rowOffsets: rows, columnOffsets: (0..<groupOutputs).map { $0 * groupInputs * taps }, on: device)
  }
}
