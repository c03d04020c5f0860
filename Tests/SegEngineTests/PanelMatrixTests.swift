import TestSupport
import Testing

@testable import SegEngine

/// Packing by transposition, whatever is regular about the offsets of rows and columns, against the definition.
@Suite struct PanelMatrixTests {
  /// Offsets of rows and of columns.
  struct Offsets: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let rows, columns: [Int]
    /// Rows that may be packed in groups of this many.
    var group = 1
  }

  static let all: [Offsets] = {
    var all: [Offsets] = []
    for (inputs, outputs, taps) in [
      (1, 1, 1), (5, 7, 9), (40, 150, 9), (33, 64, 1), (70, 20, 4), (16, 100, 25), (300, 90, 1),
    ] {
      let forward = (0..<outputs).map { $0 * inputs * taps }
      let transposed = (0..<outputs).map { $0 * taps }
      func rows(_ isTapMajor: Bool, input: Int, _ tap: (Int) -> Int) -> [Int] {
        isTapMajor
          ? (0..<taps).flatMap { t in (0..<inputs).map { $0 * input + tap(t) } }
          : (0..<inputs).flatMap { i in (0..<taps).map { i * input + tap($0) } }
      }
      for isTapMajor in [true, false] {
        let name = "\(inputs)→\(outputs), \(taps) taps, \(isTapMajor ? "tap" : "input")-major"
        all.append(
          Offsets(
            testDescription: name, rows: rows(isTapMajor, input: taps) { $0 }, columns: forward,
            group: isTapMajor ? 1 : taps))
        all.append(
          Offsets(
            testDescription: name + ", transposed", rows: rows(isTapMajor, input: outputs * taps) { $0 },
            columns: transposed, group: isTapMajor ? 1 : taps))
        all.append(
          Offsets(
            testDescription: name + ", turned", rows: rows(isTapMajor, input: outputs * taps) { taps - 1 - $0 },
            columns: transposed, group: isTapMajor ? 1 : taps))
      }
      all.append(
        Offsets(
          testDescription: "\(inputs)→\(outputs), one tap of \(taps)",
          rows: (0..<inputs).map { $0 * outputs * taps }, columns: transposed))
    }
    all.append(
      Offsets(
        testDescription: "irregular", rows: [3, 1, 4, 15, 9, 2], columns: (0..<30).map { $0 * $0 + 20 }, group: 2))
    return all
  }()

  @Test(arguments: all) func packs(_ offsets: Offsets) {
    let count = (offsets.rows.max() ?? 0) + (offsets.columns.max() ?? 0) + 1
    let weights = (0..<count).map { Float($0 + 1) }
    let (k, n) = (offsets.rows.count, offsets.columns.count)
    for (name, backend) in everyBackend() {
      let matrix = PanelMatrix(rowOffsets: offsets.rows, columnOffsets: offsets.columns, on: ComputeDevice(backend))
      let layout = matrix.layout
      var expected = [Float](repeating: -1, count: matrix.count)
      for column in 0..<(n + layout.unit - 1) / layout.unit * layout.unit {
        let first = column / layout.width * layout.width
        let stored = layout.storedColumns(at: first, of: n)
        for row in 0..<k {
          expected[layout.offset(ofPanelAt: first, k: k) + row * stored + column - first] =
            column < n ? weights[offsets.rows[row] + offsets.columns[column]] : 0
        }
      }
      var packed = [Float](repeating: -1, count: matrix.count)
      packed.withUnsafeMutableBufferPointer { matrix.pack(weights, into: $0.baseAddress!, over: backend.workers) }
      #expect(packed == expected, "\(name)")
      // Some rows of each panel.
      let pieces = EvenPieces(k, largest: max(1, k / 3), multipleOf: offsets.group)
      for first in stride(from: 0, to: n, by: layout.width) {
        let (stored, panel) = (layout.storedColumns(at: first, of: n), layout.offset(ofPanelAt: first, k: k))
        for piece in 0..<pieces.pieces {
          let rows = pieces[piece]
          var part = [Float](repeating: -1, count: rows.count * stored)
          part.withUnsafeMutableBufferPointer {
            matrix.pack(
              rows: rows, groupedBy: offsets.group, ofPanelAt: first, weights, into: $0.baseAddress!)
          }
          let wanted = expected[panel + rows.lowerBound * stored..<panel + rows.upperBound * stored]
          #expect(part == Array(wanted), "\(name), rows \(rows)")
        }
      }
    }
  }
}
