import SegEngine

/// A prediction and its truth as the figures of boundaries see them: what is predicted where the truth is left out belongs to no
/// class.
struct ComparedMaps {
  let prediction, truth: LabelMap
  /// The label of truth that is left out, where it occurs.
  let ignoreLabel: UInt16?

  /// Hides what is predicted at ignored pixels.
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

  /// The boundaries of the classes in both maps. Ignored pixels are at no boundary and make none.
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

/// The boundaries of the classes in a prediction and in its truth.
struct BoundaryPair {
  let prediction, truth: ClassBoundaries
  let height, width: Int
  let ignoreLabel: UInt16?

  /// Whether a class occurs in either and is not the one that is left out.
  func concerns(_ label: Int) -> Bool {
    UInt16(label) != ignoreLabel && (prediction.isPresent[label] || truth.isPresent[label])
  }
}

extension LabelMap {
  /// The map with `label` wherever another map of its size has it.
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
