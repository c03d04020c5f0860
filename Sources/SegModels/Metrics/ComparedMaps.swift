import SegEngine

/// A prediction and its ground truth for the boundary metrics. Where the truth is ignored, the prediction is set to the
/// ignore label.
struct ComparedMaps {
  let prediction, truth: LabelMap
  /// The ignore label, or `nil` if it does not occur in the truth.
  let ignoreLabel: UInt16?

  /// Sets the prediction to the ignore label at ignored pixels.
  ///
  /// - Throws: ``MetricError/sizesDiffer(prediction:truth:)``.
  init(
    prediction: LabelMap, truth: LabelMap, ignoreLabel: UInt16?, on workers: WorkerPool
  ) throws(MetricError) {
    try MetricError.requireSameSize(prediction, truth)
    self.truth = truth
    self.ignoreLabel = ignoreLabel.flatMap { truth.labels.contains($0) ? $0 : nil }
    self.prediction = self.ignoreLabel.map { prediction.hidden(where: truth, is: $0, on: workers) } ?? prediction
  }

  /// The class boundaries of both maps. Ignored pixels are no boundary and do not make their neighbours boundary
  /// pixels.
  func boundaries(
    classes: Int, neighbours: BoundaryRule.Neighbours, on workers: WorkerPool
  ) -> BoundaryPair {
    func boundaries(_ map: LabelMap) -> ClassBoundaries {
      ClassBoundaries(
        of: map, classes: classes, neighbours: neighbours, unknown: ignoreLabel.map { (truth, $0) }, on: workers)
    }
    return BoundaryPair(
      prediction: boundaries(prediction), truth: boundaries(truth), height: truth.height, width: truth.width,
      ignoreLabel: ignoreLabel)
  }
}

extension LabelMap {
  /// A copy of the map with `label` at the pixels where `other` has `label`.
  fileprivate func hidden(where other: LabelMap, is label: UInt16, on workers: WorkerPool) -> LabelMap {
    let count = labels.count
    return LabelMap(
      width: width, height: height,
      labels: Array(unsafeUninitializedCapacity: count) { result, initialized in
        labels.withUnsafeBufferPointer { own in
          other.labels.withUnsafeBufferPointer { other in
            workers.forEachRange(count, grain: 1 << 16) { range, _ in
              for index in range {
                (result.baseAddress! + index).initialize(to: other[index] == label ? label : own[index])
              }
            }
          }
        }
        initialized = count
      })
  }
}
