import SegEngine
import SegIO
import SegModels

/// The segmentation of one image in all formats that are asked for, with the times of its parts.
struct ImageSegmentation: Sendable {
  /// A result before it is written.
  enum Contents {
    /// The bytes of a file.
    case bytes([UInt8])
    /// An archive of arrays, which is written as it is compressed.
    case arrays(NPZ)
    /// Labels or probabilities as TIFF.
    case labels(LabelMap, TIFFWriter.Content, TIFFWriter.Options)
    case probabilities(Tensor, TIFFWriter.Content, TIFFWriter.Options)

    /// Writes the result, completely or not at all.
    func write(to path: String) throws {
      switch self {
      case .bytes(let bytes): try FileSystem.write(bytes, to: path)
      case .arrays(let archive): try archive.write(to: path)
      case .labels(let labels, let content, let options):
        let writer = try TIFFWriter(
          to: path, width: labels.width, height: labels.height, content: content, options: options)
        try writer.append(labels)
        try writer.finish()
      case .probabilities(let map, let content, let options):
        let writer = try TIFFWriter(
          to: path, width: map.shape[1], height: map.shape[0], content: content, options: options)
        try writer.append(map)
        try writer.finish()
      }
    }
  }

  /// The results of an image.
  struct Outcome {
    let width: Int
    let height: Int
    /// The number of pixels of each label.
    let pixelCounts: [UInt16: Int]
    /// The results of this image alone, by format.
    var results: [(format: OutputFormat, contents: Contents)] = []
    /// The labels, if a file of all images needs them.
    var labels: LabelMap?
    /// The area of a pixel in square map units.
    var pixelArea: Double?
    var decodingSeconds = 0.0
    var networkSeconds = 0.0
    var encodingSeconds = 0.0
    /// The warnings about the image's file.
    let warnings: [String]
  }

  let segmenter: Segmenter
  let formats: [OutputFormat]
  let reading: ImageReadingOptions
  let tiling: Tiling?
  let views: TestTimeAugmentation?
  /// The conditional random field; `nil` for none.
  let crf: DenseCRF?
  /// Components of fewer pixels are removed; `nil` keeps all.
  let smallest: Int?
  /// The names and colours of the classes.
  let classes: ClassList
  let opacity: Double
  let legend: Legend?
  /// The tolerance of polygons in pixels.
  let tolerance: Double

  /// Reads, segments and encodes an image.
  ///
  /// - Parameter progress: Is called with the number of computed tiles and of all tiles.
  func callAsFunction(_ path: String, progress: (Int, Int) -> Void) throws -> Outcome {
    var watch = Stopwatch()
    let (image, warnings) = try reading.image(path, for: segmenter.predictor.preprocessing)
    let georeference = try formats.contains(where: \.isGeoreferenced) ? reading.georeference(path) : nil
    let decoding = watch.lap()
    var prediction: Predictor.Prediction?
    var probabilities: Tensor?
    var labels: LabelMap
    if let tiling {
      labels = try Failure.about(path) { try segmenter.predictor.labels(for: image, in: tiling, progress: progress) }
    } else if crf != nil || views != nil {
      (labels, probabilities) = try segmenter.refined(image, of: path, views: views ?? .none, crf: crf)
    } else {
      let keepsLogits = formats.contains { $0.needsLogits }
      let result = try segmenter.prediction(for: image, of: path, keepingLogits: keepsLogits)
      labels = result.labels
      if keepsLogits { prediction = result }
    }
    if let smallest { labels = labels.removingComponents(smallerThan: smallest) }
    var cutout: Image?
    try Failure.about(path) {
      if formats.contains(.cutout) {
        cutout =
          try prediction.map { try segmenter.predictor.cutout(image, of: $0) } ?? segmenter.predictor.cutout(image)
      }
      if formats.contains(where: \.isProbabilities), let prediction {
        probabilities = try segmenter.predictor.probabilities(of: prediction, at: .image)
      }
    }
    var outcome = Outcome(
      width: image.width, height: image.height, pixelCounts: labels.pixelCounts,
      labels: formats.contains(where: \.isOfAllImages) ? labels : nil,
      pixelArea: georeference?.transform?.pixelArea, warnings: warnings)
    (outcome.decodingSeconds, outcome.networkSeconds) = (decoding, watch.lap())
    outcome.results = try Failure.writing {
      try formats.filter { !$0.isOfAllImages }.map { format in
        (format, try contents(format, image, labels, cutout, probabilities, georeference))
      }
    }
    outcome.encodingSeconds = watch.lap()
    return outcome
  }

  private func contents(
    _ format: OutputFormat, _ image: Image, _ labels: LabelMap, _ cutout: Image?, _ probabilities: Tensor?,
    _ georeference: Georeference?
  ) throws -> Contents {
    switch format {
    case .labels: return .bytes(try labels.pngBytes(palette: classes.palette))
    case .overlay:
      return .bytes(
        try image.overlaid(with: labels, classes: classes, opacity: opacity, legend: legend).pngBytes())
    case .cutout: return .bytes(try cutout!.pngBytes())
    case .labelsTIFF:
      return .labels(
        labels, .labels(classes: Int(labels.labels.max() ?? 0) + 1),
        TIFFWriter.Options(palette: classes.palette, georeference: georeference))
    case .probabilities: return .arrays(NPZ(["probabilities": probabilities!]))
    case .probabilitiesTIFF, .probabilities16:
      let count = probabilities!.shape[2]
      return .probabilities(
        probabilities!,
        format == .probabilities16 ? .probabilities16(classes: count) : .probabilities32(classes: count),
        TIFFWriter.Options(georeference: georeference))
    case .geoJSON:
      let document = GeoJSON(
        names: classes.names, transform: georeference?.transform ?? .identity,
        crsName: georeference?.epsgCode.flatMap { GeoJSON.crsName(epsg: $0) })
      return .bytes(
        try document.bytes(RegionPolygons(labels, leavingOut: Self.background, tolerance: tolerance)))
    case .coco, .areas: preconditionFailure("\(format.rawValue) is a file of all images")
    }
  }

  /// Labels that are no object: the background, and those that count for nothing.
  static let background: Set<UInt16> = [0, LabelMap.unlabelled]

  /// The samples of labels that are not known yet. Networks that output labels may have more than are stated.
  private var labelContent: TIFFWriter.Content { segmenter.classes < 256 ? .labels8 : .labels16 }

  /// Segments a file tile by tile into a TIFF file of labels. Neither the image nor its labels are in memory as a whole.
  func stream(_ path: String, to target: String, progress: (Int, Int) -> Void) throws -> Outcome {
    guard let tiling else { preconditionFailure("an image is streamed in tiles") }
    var watch = Stopwatch()
    let file = try reading.file(path, for: segmenter.predictor.preprocessing)
    let decoding = watch.lap()
    var counts: [UInt16: Int] = [:]
    let writer = try Failure.writing {
      try TIFFWriter(
        to: target, width: file.source.width, height: file.source.height, content: labelContent,
        options: TIFFWriter.Options(palette: classes.palette, georeference: file.georeference))
    }
    try Failure.about(path) {
      try segmenter.predictor.labels(for: file.source, in: tiling, progress: progress) { labels, _ in
        for (label, count) in labels.pixelCounts { counts[label, default: 0] += count }
        try Failure.writing { try writer.append(labels) }
      }
    }
    try Failure.writing { try writer.finish() }
    return Outcome(
      width: file.source.width, height: file.source.height, pixelCounts: counts, decodingSeconds: decoding,
      networkSeconds: watch.lap(), warnings: file.warnings)
  }
}

/// The time between calls.
struct Stopwatch {
  private let clock = ContinuousClock()
  private var mark: ContinuousClock.Instant

  init() { mark = clock.now }

  /// Returns the seconds since the last call, or since the stopwatch was made.
  mutating func lap() -> Double {
    defer { mark = clock.now }
    return (clock.now - mark) / .seconds(1)
  }
}
