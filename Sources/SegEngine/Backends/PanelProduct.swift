/// How kernels take a constant right-hand matrix B, `k` × `n`, to lie in memory: in panels of a few columns, one panel after
/// another, each `[k, width]`. The last panel is filled up with zeros to whole units.
package struct PanelLayout: Hashable, Sendable {
  /// Columns of a panel.
  package let width: Int
  /// Columns to whose multiple the last panel is filled up: the width of a vector register.
  package let unit: Int

  /// Describes a layout.
  ///
  /// - Precondition: the width is a multiple of the unit.
  package init(width: Int, unit: Int) {
    precondition(
      unit > 0 && width > 0 && width % unit == 0, "a panel of \(width) columns is not made of units of \(unit)")
    self.width = width
    self.unit = unit
  }

  /// Columns that the panel beginning at `column` takes in memory.
  package func storedColumns(at column: Int, of n: Int) -> Int {
    min(width, (n - column + unit - 1) / unit * unit)
  }

  /// Floats of the packed form of a `k` × `n` matrix.
  package func count(k: Int, n: Int) -> Int { k * ((n + unit - 1) / unit * unit) }

  /// The place of the panel that begins at `column`, a multiple of the width.
  package func offset(ofPanelAt column: Int, k: Int) -> Int { column * k }
}

/// Packing of matrices that are made anew in each run.
extension PanelLayout {
  /// Packs B, whose row r begins at `b + r · rowStride`.
  func pack(
    _ b: UnsafePointer<Float>, rowStride: Int, rows: Int, columns: Int, into packed: UnsafeMutablePointer<Float>
  ) {
    for column in stride(from: 0, to: columns, by: width) {
      let stored = storedColumns(at: column, of: columns)
      let present = min(stored, columns - column)
      let panel = packed + offset(ofPanelAt: column, k: rows)
      for row in 0..<rows {
        let line = panel + row * stored
        line.update(from: b + row * rowStride + column, count: present)
        if present < stored { (line + present).update(repeating: 0, count: stored - present) }
      }
    }
  }

  /// Packs scale · B, whose column c begins at `b + c · rowStride`.
  func pack(
    transposing b: UnsafePointer<Float>, rowStride: Int, rows: Int, columns: Int, scale: Float = 1,
    into packed: UnsafeMutablePointer<Float>, on device: ComputeDevice
  ) {
    for column in stride(from: 0, to: columns, by: width) {
      let stored = storedColumns(at: column, of: columns)
      let present = min(stored, columns - column)
      let panel = packed + offset(ofPanelAt: column, k: rows)
      device.kernels.transpose(
        b + column * rowStride, xStride: rowStride, panel, yStride: stored, rows: present, columns: rows)
      if present < stored {
        for row in 0..<rows { (panel + row * stored + present).update(repeating: 0, count: stored - present) }
      }
      guard scale != 1 else { continue }
      withUnsafePointer(to: scale) {
        device.kernels.combine(.multiply, panel, pStep: 1, $0, qStep: 0, panel, count: rows * stored)
      }
    }
  }
}

/// A product of rows with a packed matrix, the sums over t and c of rows[t][r][c] · B[t · depth + c, o], with an ``Epilogue``.
package struct PanelOperands {
  /// Where the rows of the left-hand matrix lie.
  package enum Rows {
    /// Row r of tap t begins at `base + r · stride + t · depth`.
    case strided(UnsafePointer<Float>, stride: Int)
    /// Row r of tap t begins `offset` floats behind `pointers[t · rowCount + r]`; a pointer that is `padding` stands for zeros, of
    /// which it points at enough.
    case pointed(UnsafePointer<UnsafePointer<Float>>, padding: UnsafePointer<Float>, offset: Int)
  }

  /// Where the rows lie.
  package var rows: Rows
  /// Number of rows of the result.
  package var rowCount: Int
  /// Pieces of which each left-hand row is made.
  package var taps: Int
  /// Floats of a piece.
  package var depth: Int
  /// B in the ``Kernels/panelLayout`` of the kernels.
  package var panels: UnsafePointer<Float>
  /// Columns of B.
  package var columns: Int
  /// Whether the sums begin with what the result holds.
  package var accumulates = false
  /// What is done with the sums.
  package var epilogue: Epilogue
  /// Where the result goes. Its memory is not that of an operand or of the epilogue's residual.
  package var result: Destination

  /// Describes a product.
  package init(
    rows: Rows, rowCount: Int, taps: Int = 1, depth: Int, panels: UnsafePointer<Float>, columns: Int,
    epilogue: Epilogue = Epilogue(), into result: Destination
  ) {
    self.rows = rows
    self.rowCount = rowCount
    self.taps = taps
    self.depth = depth
    self.panels = panels
    self.columns = columns
    self.epilogue = epilogue
    self.result = result
  }
}

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

  /// A name of the layout, under which packed weights are shared.
  var layoutName: String { "panels\(layout.width)" }

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
