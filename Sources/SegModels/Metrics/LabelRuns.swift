import SegEngine

/// Runs of pixels with the same pair of labels in two label maps.
///
/// Segmentations consist of regions. Four pixels with the same two labels as the pixels before them are therefore
/// recognised by one comparison.
struct LabelRuns {
  private let truth, prediction: UnsafePointer<UInt16>
  private let marks: UnsafePointer<UInt8>?
  private let count: Int

  /// Splits two maps of the same length, with an optional mark per pixel, among threads.
  static func forEachRange(
    truth: [UInt16], prediction: [UInt16], marks: [UInt8]?, on workers: WorkerPool,
    _ body: (_ runs: LabelRuns, _ worker: Int) -> Void
  ) {
    precondition(truth.count == prediction.count)
    truth.withUnsafeBufferPointer { truth in
      prediction.withUnsafeBufferPointer { prediction in
        func share(_ marks: UnsafePointer<UInt8>?) {
          workers.forEachRange(truth.count, grain: 1 << 16) { range, worker in
            let first = range.lowerBound
            body(
              LabelRuns(
                truth: truth.baseAddress! + first, prediction: prediction.baseAddress! + first,
                marks: marks.map { $0 + first }, count: range.count), worker)
          }
        }
        if let marks {
          precondition(marks.count == truth.count)
          marks.withUnsafeBufferPointer { share($0.baseAddress) }
        } else {
          share(nil)
        }
      }
    }
  }

  /// Calls `body` for each run with the true label, the predicted label, the mark (0 if there are no marks) and the
  /// number of pixels.
  @inline(__always)
  func forEach(_ body: (_ truth: UInt16, _ prediction: UInt16, _ mark: UInt8, _ count: Int) -> Void) {
    func four<Element, Word: FixedWidthInteger>(_ elements: UnsafePointer<Element>, _ index: Int, _: Word.Type) -> Word
    {
      UnsafeRawPointer(elements + index).loadUnaligned(as: Word.self)
    }
    func mark(_ index: Int) -> UInt8 { marks.map { $0[index] } ?? 0 }
    var last = (truth: UInt64(0), prediction: UInt64(0), marks: UInt32(0))
    var (index, run) = (0, 0)
    /// Ends the current run before `index`.
    func flush() {
      if run > 0 { body(truth[index - 1], prediction[index - 1], mark(index - 1), run) }
      run = 0
    }
    while index + 4 <= count {
      let truths = four(truth, index, UInt64.self)
      let predictions = four(prediction, index, UInt64.self)
      let marked = marks.map { four($0, index, UInt32.self) } ?? 0
      if run > 0, truths == last.truth, predictions == last.prediction, marked == last.marks {
        run += 4
      } else {
        flush()
        // Four 16-bit copies of a label are the label times 0x0001000100010001.
        if truths == UInt64(truth[index]) &* 0x0001_0001_0001_0001,
          predictions == UInt64(prediction[index]) &* 0x0001_0001_0001_0001,
          marked == UInt32(mark(index)) &* 0x0101_0101
        {
          last = (truths, predictions, marked)
          run = 4
        } else {
          for pixel in index..<index + 4 { body(truth[pixel], prediction[pixel], mark(pixel), 1) }
        }
      }
      index += 4
    }
    flush()
    for pixel in index..<count { body(truth[pixel], prediction[pixel], mark(pixel), 1) }
  }
}
