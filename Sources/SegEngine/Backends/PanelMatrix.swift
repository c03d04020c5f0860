/// A constant right-hand matrix that is packed once and multiplied often, such as the weights of a layer.
struct PanelMatrix: Sendable {
  /// Rows of B.
  let k: Int
  /// Columns of B.
  let n: Int
  let layout: PanelLayout
  /// An element of B lies at the sum of its row's and its column's offset in the unpacked weights.
  private let rowOffsets: ContiguousArray<Int>
  private let columnOffsets: ContiguousArray<Int>

  /// A matrix whose element (row, column) is `weights[rowOffsets[row] + columnOffsets[column]]`.
  init(rowOffsets: some Sequence<Int>, columnOffsets: some Sequence<Int>, on device: ComputeDevice) {
    self.init(rowOffsets: rowOffsets, columnOffsets: columnOffsets, layout: device.kernels.panelLayout)
  }

  /// The same for a layout.
  init(rowOffsets: some Sequence<Int>, columnOffsets: some Sequence<Int>, layout: PanelLayout) {
    self.rowOffsets = ContiguousArray(rowOffsets)
    self.columnOffsets = ContiguousArray(columnOffsets)
    k = self.rowOffsets.count
    n = self.columnOffsets.count
    self.layout = layout
  }

  /// Floats of the packed form.
  var count: Int { layout.count(k: k, n: n) }

  /// Packs weights, `weights` being the place from which the offsets count.
  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    let panels = (n + layout.width - 1) / layout.width
    workers.forEach(panels) { panel, _ in
      let column = panel * layout.width
      let stored = layout.storedColumns(at: column, of: n)
      let present = min(stored, n - column)
      let target = packed + layout.offset(ofPanelAt: column, k: k)
      columnOffsets.withUnsafeBufferPointer { columnOffsets in
        rowOffsets.withUnsafeBufferPointer { rowOffsets in
          for row in 0..<k {
            let source = weights + rowOffsets[row]
            let line = target + row * stored
            for index in 0..<present { line[index] = source[columnOffsets[column + index]] }
            for index in present..<stored { line[index] = 0 }
          }
        }
      }
    }
  }
}
