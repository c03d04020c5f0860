import SegEngine

/// All metrics of a data set in one pass: confusion matrix, boundary F₁, boundary IoU, trimap and surface distances.
public struct SegmentationMetrics: Sendable, Hashable {
  /// Metrics beyond the confusion matrix.
  public struct Measures: OptionSet, Sendable, Hashable {
    public let rawValue: Int

    /// Creates a set from its bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Boundary F₁.
    public static let boundaryF1 = Measures(rawValue: 1)
    /// Boundary IoU.
    public static let boundaryIoU = Measures(rawValue: 2)
    /// IoU and accuracy in trimap bands around the true boundaries.
    public static let trimap = Measures(rawValue: 4)
    /// Surface distances.
    public static let surfaceDistances = Measures(rawValue: 8)
    /// All of them.
    public static let all: Measures = [.boundaryF1, .boundaryIoU, .trimap, .surfaceDistances]
  }

  /// Options of the metrics.
  public struct Options: Sendable, Hashable {
    /// Pixels whose true label is this one are ignored in all metrics.
    public var ignoreLabel: UInt16?
    /// The metrics to compute besides the confusion matrix. The others stay empty.
    public var measures = Measures.all
    /// The distance tolerance of the boundary F₁.
    public var boundaryTolerance: BoundaryTolerance = .diagonalShare(0.0075)
    /// How the boundary F₁ combines images.
    public var boundaryAveraging: BoundaryF1.Averaging = .images
    /// The band width of the boundary IoU as a share of the image's diagonal.
    public var boundaryIoUShare = 0.02
    /// The widths of the trimap bands, in pixels.
    public var trimapWidths = [1, 3, 5, 10]
    /// The distance between neighbouring pixels, for surface distances.
    public var spacing = PixelSpacing.unit
    /// The surface distance if one mask is empty.
    public var emptyMasks = EmptyMasks.infinite

    /// Creates the default options.
    public init(ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel) { self.ignoreLabel = ignoreLabel }
  }

  /// The number of classes.
  public private(set) var classes: Int
  /// The options.
  public let options: Options
  /// The confusion matrix: IoU, Dice, precision, recall, accuracies.
  public private(set) var confusion: ConfusionMatrix
  /// Boundary F₁.
  public private(set) var boundaryF1: BoundaryF1
  /// Boundary IoU.
  public private(set) var boundaryIoU: BoundaryIoU
  /// IoU and accuracy in trimap bands around the true boundaries.
  public private(set) var trimap: TrimapMetrics
  /// Surface distances.
  public private(set) var surfaces: SurfaceMetrics

  /// Creates empty metrics.
  public init(classes: Int, options: Options = Options()) {
    self.classes = classes
    self.options = options
    let ignored = options.ignoreLabel
    confusion = ConfusionMatrix(classes: classes, ignoreLabel: ignored)
    boundaryF1 = BoundaryF1(
      classes: classes, tolerance: options.boundaryTolerance, averaging: options.boundaryAveraging, ignoreLabel: ignored
    )
    boundaryIoU = BoundaryIoU(classes: classes, diagonalShare: options.boundaryIoUShare, ignoreLabel: ignored)
    trimap = TrimapMetrics(classes: classes, widths: options.trimapWidths, ignoreLabel: ignored)
    surfaces = SurfaceMetrics(
      classes: classes, ignoreLabel: ignored, spacing: options.spacing, emptyMasks: options.emptyMasks)
  }

  /// Adds one image.
  ///
  /// - Returns: The confusion matrix of this image only.
  /// - Throws: ``MetricError``; the metrics stay unchanged.
  @discardableResult
  public mutating func add(
    prediction: LabelMap, truth: LabelMap, on workers: WorkerPool = .shared
  ) throws(MetricError) -> ConfusionMatrix {
    // Everything that can throw runs before the first change.
    var image = ConfusionMatrix(classes: classes, ignoreLabel: options.ignoreLabel)
    try image.add(prediction: prediction, truth: truth, on: workers)
    let measures = options.measures
    if !measures.isDisjoint(with: [.boundaryF1, .boundaryIoU, .surfaceDistances]) {
      let maps = try ComparedMaps(
        prediction: prediction, truth: truth, ignoreLabel: options.ignoreLabel, on: workers)
      if !measures.isDisjoint(with: [.boundaryF1, .surfaceDistances]) {
        // Boundary F₁ and surface distances use the same four-neighbourhood.
        let boundaries = maps.boundaries(classes: classes, neighbours: surfaces.rule.neighbours, on: workers)
        if measures.contains(.surfaceDistances) { try surfaces.add(boundaries, on: workers) }
        if measures.contains(.boundaryF1) { boundaryF1.add(boundaries, on: workers) }
      }
      if measures.contains(.boundaryIoU) { boundaryIoU.add(maps, on: workers) }
    }
    if measures.contains(.trimap) { try trimap.add(prediction: prediction, truth: truth, on: workers) }
    confusion.merge(image)
    return image
  }

  /// Adds the counts of another value with the same options.
  public mutating func merge(_ other: SegmentationMetrics) {
    precondition(options == other.options, "both metrics must have the same options")
    confusion.merge(other.confusion)
    boundaryF1.merge(other.boundaryF1)
    boundaryIoU.merge(other.boundaryIoU)
    trimap.merge(other.trimap)
    surfaces.merge(other.surfaces)
  }

  /// Adds classes with zero counts, up to `count` classes, for data sets whose number of classes is not known in
  /// advance.
  ///
  /// - Precondition: `count` is at least the current number of classes.
  public mutating func extend(to count: Int) {
    precondition(count >= classes, "cannot reduce \(classes) classes to \(count)")
    classes = count
    confusion.extend(to: count)
    boundaryF1.extend(to: count)
    boundaryIoU.extend(to: count)
    trimap.extend(to: count)
    surfaces.extend(to: count)
  }

  /// Removes all images.
  public mutating func reset() { self = SegmentationMetrics(classes: classes, options: options) }
}
