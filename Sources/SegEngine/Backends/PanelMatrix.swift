/// A constant right-hand matrix, such as a layer's weights, that is packed once and multiplied often.
struct PanelMatrix: Sendable {
  /// Rows of B.
  let k: Int
  /// Columns of B.
  let n: Int
  let layout: PanelLayout
  /// The row's part of an element's offset in the unpacked weights; the column's part is added.
  private let rowOffsets: ContiguousArray<Int>
  private let columnOffsets: ContiguousArray<Int>

  /// Makes a matrix whose element (row, column) is `weights[rowOffsets[row] + columnOffsets[column]]`.
  init(rowOffsets: some Sequence<Int>, columnOffsets: some Sequence<Int>, on device: ComputeDevice) {
    self.init(rowOffsets: rowOffsets, columnOffsets: columnOffsets, layout: device.kernels.panelLayout)
  }

  /// Makes a matrix in the given layout.
  init(rowOffsets: some Sequence<Int>, columnOffsets: some Sequence<Int>, layout: PanelLayout) {
    self.rowOffsets = ContiguousArray(rowOffsets)
    self.columnOffsets = ContiguousArray(columnOffsets)
    k = self.rowOffsets.count
    n = self.columnOffsets.count
    self.layout = layout
  }

  /// Floats of the packed form.
  var count: Int { layout.count(k: k, n: n) }

  /// Packs weights. The offsets count from `weights`.
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
