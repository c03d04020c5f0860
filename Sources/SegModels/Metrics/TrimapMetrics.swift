import SegEngine

/// IoU and accuracy in trimap bands around the true boundaries (Kohli et al. 2009; Krähenbühl and Koltun 2011).
///
/// A band of width w contains the pixels at a Euclidean distance below w pixels from the nearest boundary pixel. A
/// boundary pixel has another label than the pixel above, below, left or right of it. w = 1 gives the boundary pixels
/// only.
public struct TrimapMetrics: Sendable, Hashable {
  /// The widths of the bands in pixels.
  public let widths: [Int]
  /// Pixels whose true label is this one are ignored.
  public let ignoreLabel: UInt16?
  /// Whether borders with ignored pixels are boundaries. In PASCAL VOC such borders surround every object.
  public let ignoredBorders: Bool
  /// The confusion matrix of each band.
  public private(set) var matrices: [ConfusionMatrix]

  /// Creates empty counts.
  ///
  /// - Precondition: The widths are positive, and at most 254 of them differ.
  public init(
    classes: Int, widths: [Int], ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel, ignoredBorders: Bool = true
  ) {
    precondition(widths.allSatisfy { $0 > 0 }, "band widths must be positive: \(widths)")
    precondition(Set(widths).count < 255, "\(widths.count) bands are too many")
    self.widths = widths
    self.ignoreLabel = ignoreLabel
    self.ignoredBorders = ignoredBorders
    matrices = Array(repeating: ConfusionMatrix(classes: classes, ignoreLabel: ignoreLabel), count: widths.count)
  }

  /// Adds one image.
  ///
  /// - Throws: ``MetricError`` if the sizes differ or a label within a band is outside the classes; the counts stay
  ///   unchanged.
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
      // A band contains all narrower bands.
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

  /// Adds the counts of another value with the same widths.
  public mutating func merge(_ other: TrimapMetrics) {
    precondition(widths == other.widths, "band widths differ: \(widths) and \(other.widths)")
    for index in matrices.indices { matrices[index].merge(other.matrices[index]) }
  }

  /// Adds classes with zero counts, up to `count` classes.
  mutating func extend(to count: Int) { for index in matrices.indices { matrices[index].extend(to: count) } }

  /// Sets all counts to zero.
  public mutating func reset() { for index in matrices.indices { matrices[index].reset() } }
}
