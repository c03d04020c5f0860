/// The layout of a right-hand matrix B, `k` × `n`: panels of a few columns, one after another, each `[k, width]`. The
/// last panel is padded with zeros to a multiple of the unit.
package struct PanelLayout: Hashable, Sendable {
  /// Columns of a panel.
  package let width: Int
  /// The divisor of the last panel's stored columns: the width of a vector register.
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

  /// Computes the stored columns, padding included, of the panel that begins at `column`.
  package func storedColumns(at column: Int, of n: Int) -> Int {
    min(width, (n - column + unit - 1) / unit * unit)
  }

  /// Computes the floats of a packed `k` × `n` matrix.
  package func count(k: Int, n: Int) -> Int { k * ((n + unit - 1) / unit * unit) }

  /// Computes the offset in floats of the panel that begins at `column`, a multiple of the width.
  package func offset(ofPanelAt column: Int, k: Int) -> Int { column * k }
}

/// Packing of matrices that change from run to run.
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
