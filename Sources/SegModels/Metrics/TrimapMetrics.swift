import SegEngine

/// IoU and accuracy in bands around the true boundaries (Kohli et al. 2009; Krähenbühl and Koltun 2011).
///
/// A band of width w holds the pixels less than w pixels, by Euclidean distance, from the nearest boundary pixel, which is one with a
/// pixel of another label above, below, left or right of it; w = 1 are the boundary pixels alone.
public struct TrimapMetrics: Sendable, Hashable {
  /// The widths of the bands in pixels.
  public let widths: [Int]
  /// Truth that is left out.
  public let ignoreLabel: UInt16?
  /// Whether classes have boundaries with ignored pixels, which in PASCAL VOC run around every object.
  public let ignoredBorders: Bool
  /// The counts in each band.
  public private(set) var matrices: [ConfusionMatrix]

  /// Makes counts of no images.
  ///
  /// - Precondition: the widths are positive, and at most 254 of them differ.
  public init(
    classes: Int, widths: [Int], ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel, ignoredBorders: Bool = true
  ) {
    precondition(widths.allSatisfy { $0 > 0 }, "a band is some pixels wide: \(widths)")
    precondition(Set(widths).count < 255, "\(widths.count) bands are too many")
    self.widths = widths
    self.ignoreLabel = ignoreLabel
    self.ignoredBorders = ignoredBorders
    matrices = Array(repeating: ConfusionMatrix(classes: classes, ignoreLabel: ignoreLabel), count: widths.count)
  }

  /// Adds one image.
  ///
  /// - Throws: ``MetricError`` where the sizes differ or a label within a band is no class; the counts are left as they were.
  public mutating func add(
    prediction: LabelMap, truth: LabelMap, on workers: WorkerPool = .shared
  ) throws(MetricError) {
    try MetricError.requireSameSize(prediction, truth)
    let boundaries = truth.labelBoundaries(ignoring: ignoreLabel, ignoredBorders: ignoredBorders, on: workers)
    guard !boundaries.isEmpty, let classes = matrices.first?.classes else { return }
    let rising = Set(widths).sorted()
    let bands = BoundaryBands.narrowest(around: boundaries, widths: rising, on: workers)
    let histogram = LabelPairHistogram(
      truth: truth.labels, prediction: prediction.labels, kinds: bands, kindCount: rising.count, classes: classes,
      ignoreLabel: ignoreLabel, on: workers)
    for width in widths {
      // A band holds the narrower ones.
      let place = rising.firstIndex(of: width)!
      guard (0...place).contains(where: { histogram.holdsUnknownLabels(kind: $0) }) else { continue }
      for pixel in bands.indices where Int(bands[pixel]) <= place && truth.labels[pixel] != ignoreLabel {
        try MetricError.requireKnown(truth.labels[pixel], prediction.labels[pixel], classes: classes)
      }
    }
    for (index, width) in widths.enumerated() {
      for place in rising.indices where rising[place] <= width { matrices[index].add(histogram, kind: place) }
    }
  }

  /// Adds what others have counted in the same bands.
  public mutating func merge(_ other: TrimapMetrics) {
    precondition(widths == other.widths, "bands of \(widths) and \(other.widths)")
    for index in matrices.indices { matrices[index].merge(other.matrices[index]) }
  }

  /// Makes room for further classes, which no image had.
  mutating func extend(to count: Int) { for index in matrices.indices { matrices[index].extend(to: count) } }

  /// Forgets all images.
  public mutating func reset() { for index in matrices.indices { matrices[index].reset() } }
}
