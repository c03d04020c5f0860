import SegEngine

/// All figures of a data set in one pass: counts of pixels, boundaries, bands and distances.
public struct SegmentationMetrics: Sendable, Hashable {
  /// Figures that take more than counting pixels.
  public struct Measures: OptionSet, Sendable, Hashable {
    public let rawValue: Int

    /// Makes a set of figures of its bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// F₁ of boundaries.
    public static let boundaryF1 = Measures(rawValue: 1)
    /// IoU near boundaries.
    public static let boundaryIoU = Measures(rawValue: 2)
    /// IoU and accuracy in bands around the true boundaries.
    public static let trimap = Measures(rawValue: 4)
    /// Distances between boundaries.
    public static let surfaceDistances = Measures(rawValue: 8)
    /// All of them.
    public static let all: Measures = [.boundaryF1, .boundaryIoU, .trimap, .surfaceDistances]
  }

  /// The conventions, each with its default.
  public struct Options: Sendable, Hashable {
    /// Truth that is left out everywhere.
    public var ignoreLabel: UInt16?
    /// What is measured besides the counts of pixels; the others stay those of no images.
    public var measures = Measures.all
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
  public private(set) var classes: Int
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
    let measures = options.measures
    if !measures.isDisjoint(with: [.boundaryF1, .boundaryIoU, .surfaceDistances]) {
      let maps = try ComparedMaps(
        prediction: prediction, truth: truth, ignoreLabel: options.ignoreLabel, on: workers)
      if !measures.isDisjoint(with: [.boundaryF1, .surfaceDistances]) {
        // Both figures look at the same four neighbours.
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

  /// Adds what others have counted under the same conventions.
  public mutating func merge(_ other: SegmentationMetrics) {
    precondition(options == other.options, "figures of different conventions")
    confusion.merge(other.confusion)
    boundaryF1.merge(other.boundaryF1)
    boundaryIoU.merge(other.boundaryIoU)
    trimap.merge(other.trimap)
    surfaces.merge(other.surfaces)
  }

  /// Makes room for further classes, which no image had: for data sets whose number of classes shows as they are read.
  ///
  /// - Precondition: there are not more classes already.
  public mutating func extend(to count: Int) {
    precondition(count >= classes, "\(classes) classes are more than \(count)")
    classes = count
    confusion.extend(to: count)
    boundaryF1.extend(to: count)
    boundaryIoU.extend(to: count)
    trimap.extend(to: count)
    surfaces.extend(to: count)
  }

  /// Forgets all images.
  public mutating func reset() { self = SegmentationMetrics(classes: classes, options: options) }
}
