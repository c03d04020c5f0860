import SegEngine

extension LabelMap {
  /// The labels of a result of ``MapReading/Result/labels``: of integers and of numbers, rounded, those below 0 are 0, and those above
  /// 65535 are that.
  init(_ values: Tensor, size: Extent2D, on workers: WorkerPool) {
    let count = size.height * size.width
    func labels<Element: TensorElement>(_ type: Element.Type, _ label: (Element) -> UInt16) -> [UInt16] {
      values.withUnsafeElements(of: type) { values in
        [UInt16](unsafeUninitializedCapacity: count) { labels, initialized in
          let labels = labels.baseAddress!
          workers.forEachRange(count, grain: 65536) { range, _ in
            for index in range { (labels + index).initialize(to: label(values[index])) }
          }
          initialized = count
        }
      }
    }
    let all =
      switch values.elementType {
      case .uint8: labels(UInt8.self) { UInt16($0) }
      case .uint16: labels(UInt16.self) { $0 }
      case .int32: labels(Int32.self) { UInt16(clamping: $0) }
      case .int64: labels(Int64.self) { UInt16(clamping: $0) }
      case .float32: labels(Float.self) { $0 >= 0.5 ? UInt16(min($0.rounded(), 65535)) : 0 }
      }
    self.init(width: size.width, height: size.height, labels: all)
  }

  /// The first class of the largest probability of each pixel of `[height, width, classes]`, or of two classes label 1 where its
  /// probability is above a threshold.
  ///
  /// - Precondition: the tensor has three axes, at least one class, and with a threshold two.
  public init(probabilities: Tensor, threshold: Float? = nil) {
    let shape = probabilities.shape
    precondition(shape.rank == 3 && shape[2] > 0, "\(shape) is no [height, width, classes]")
    precondition(threshold == nil || shape[2] == 2, "a threshold for \(shape[2]) classes")
    self.init(
      width: shape[1], height: shape[0],
      labels: probabilities.withElements(of: Float.self) { values in
        (0..<shape.rows).map { LabelMap.label(values, pixel: $0, classes: shape[2], threshold: threshold) }
      })
  }

  /// The label of a pixel by scores `[pixel, class]` that are in proportion to its probabilities.
  static func label(_ scores: Span<Float>, pixel: Int, classes: Int, threshold: Float?) -> UInt16 {
    let first = pixel * classes
    if let threshold {
      return scores[first + 1] > threshold * (scores[first] + scores[first + 1]) ? 1 : 0
    }
    var best = 0
    for index in 1..<max(1, classes) where scores[first + index] > scores[first + best] { best = index }
    return UInt16(clamping: best)
  }
}
