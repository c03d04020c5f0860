import SegEngine

/// All figures of a data set in one pass: counts of pixels, boundaries, bands and distances.
public struct SegmentationMetrics: Sendable, Hashable {
  /// The conventions, each with its default.
  public struct Options: Sendable, Hashable {
    /// Truth that is left out everywhere.
    public var ignoreLabel: UInt16?
    /// The tolerance of the boundary F₁.
    public var boundaryTolerance: BoundaryTolerance = .diagonalShare(0.0075)
    /// What the boundary F₁ averages.
    public var boundaryAveraging: BoundaryF1.Averaging = .images
    /// The width of Boundary IoU's bands as a share of the diagonal.
    public var boundaryIoUShare = 0.02
    /// The widths of the trimap's bands, in pixels.
    public var trimapWidths = [1, 3, 5, 10]
    /// How far apart pixels are, for surface distances.
    public var spacing = PixelSpacing.unit
    /// What surface distances are where one mask is empty.
    public var emptyMasks = EmptyMasks.infinite

    /// Makes the default choices.
    public init(ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel) { self.ignoreLabel = ignoreLabel }
  }

  /// Number of classes.
  public let classes: Int
  /// The conventions.
  public let options: Options
  /// Counts of pixels: IoU, Dice, precision, recall, accuracies.
  public private(set) var confusion: ConfusionMatrix
  /// F₁ of boundaries.
  public private(set) var boundaryF1: BoundaryF1
  /// IoU near boundaries.
  public private(set) var boundaryIoU: BoundaryIoU
  /// IoU and accuracy in bands around the true boundaries.
  public private(set) var trimap: TrimapMetrics
  /// Distances between boundaries.
  public private(set) var surfaces: SurfaceMetrics

  /// Makes figures of no images.
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
  /// - Returns: The counts of this image alone.
  /// - Throws: ``MetricError``; the figures are left as they were.
  @discardableResult
  public mutating func add(
    prediction: LabelMap, truth: LabelMap, on workers: WorkerPool = .shared
  ) throws(MetricError) -> ConfusionMatrix {
    // Whatever may be refused comes first.
    var image = ConfusionMatrix(classes: classes, ignoreLabel: options.ignoreLabel)
    try image.add(prediction: prediction, truth: truth, on: workers)
    try surfaces.add(prediction: prediction, truth: truth, on: workers)
    confusion.merge(image)
    try boundaryF1.add(prediction: prediction, truth: truth, on: workers)
    try boundaryIoU.add(prediction: prediction, truth: truth)
    try trimap.add(prediction: prediction, truth: truth, on: workers)
    return image
  }

  /// Adds what others have counted under the same conventions.
  public mutating func merge(_ other: SegmentationMetrics) {
    precondition(options == other.options, "figures of different conventions")
    confusion.merge(other.confusion)
    boundaryF1.merge(other.boundaryF1)
    boundaryIoU.merge(other.boundaryIoU)
    trimap.merge(other.trimap)
    surfaces.merge(other.surfaces)
  }

  /// Forgets all images.
  public mutating func reset() { self = SegmentationMetrics(classes: classes, options: options) }
}
