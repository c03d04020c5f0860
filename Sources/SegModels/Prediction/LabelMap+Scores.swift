import SegEngine

extension LabelMap {
  /// Creates a label map from the labels that a run computes (``MapReading/Result/labels``). A run that computes uint16
  /// writes to the map's memory directly. Other types are converted: floats are rounded, and values are clamped to 0 …
  /// 65535.
  ///
  /// - Parameters:
  ///   - size: Height and width.
  ///   - workers: The threads for conversions.
  ///   - run: Computes one label per pixel into a tensor created by the given closure.
  init(
    size: Extent2D, on workers: WorkerPool, computedBy run: (_ makingOutput: (TensorSpec) -> Tensor) throws -> Tensor
  ) rethrows {
    let count = size.height * size.width
    let labels = try [UInt16](unsafeUninitializedCapacity: count) { labels, initialized in
      let target = labels.baseAddress!
      let values = try run { spec in
        spec.elementType == .uint16 && spec.shape.elementCount == count
          ? Tensor(spec, writingTo: target) : Tensor(uninitialized: spec.shape, of: spec.elementType)
      }
      precondition(values.count == count, "\(values.count) labels for \(size.height)×\(size.width) pixels")
      LabelMap.convert(values, to: target, on: workers)
      initialized = count
    }
    self.init(width: size.width, height: size.height, labels: labels)
  }

  /// Writes values as labels, unless they already are the map's memory.
  private static func convert(_ values: Tensor, to target: UnsafeMutablePointer<UInt16>, on workers: WorkerPool) {
    func convert<Element: TensorElement>(_ type: Element.Type, _ label: (Element) -> UInt16) {
      values.withUnsafeElements(of: type) { values in
        workers.forEachRange(values.count, grain: 65536) { range, _ in
          for index in range { target[index] = label(values[index]) }
        }
      }
    }
    switch values.elementType {
    case .uint8: convert(UInt8.self) { UInt16($0) }
    case .uint16:
      if values.withUnsafeBytes({ $0.baseAddress != UnsafeRawPointer(target) }) { convert(UInt16.self) { $0 } }
    case .int32: convert(Int32.self) { UInt16(clamping: $0) }
    case .int64: convert(Int64.self) { UInt16(clamping: $0) }
    case .float32: convert(Float.self) { $0 >= 0.5 ? UInt16(min($0.rounded(), 65535)) : 0 }
    }
  }

  /// Creates a label map from probabilities `[height, width, classes]`: the first class with the largest probability.
  /// With two classes and a threshold: label 1 where its probability exceeds the threshold.
  ///
  /// - Precondition: The tensor has three axes and at least one class; with a threshold, two classes.
  public init(probabilities: Tensor, threshold: Float? = nil) {
    let shape = probabilities.shape
    precondition(shape.rank == 3 && shape[2] > 0, "probabilities must be [height, width, classes], not \(shape)")
    precondition(threshold == nil || shape[2] == 2, "a threshold needs two classes, not \(shape[2])")
    self.init(
      width: shape[1], height: shape[0],
      labels: probabilities.withElements(of: Float.self) { values in
        (0..<shape.rows).map { LabelMap.label(values, pixel: $0, classes: shape[2], threshold: threshold) }
      })
  }

  /// The label of a pixel from scores `[pixel, class]` that are proportional to its probabilities.
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
