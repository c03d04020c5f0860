import SegEngine

extension Predictor {
  /// The labels of an image of any size, computed tile by tile. Memory is needed for the run of one tile and the
  /// probabilities of one row of tiles, not for the logits of the whole image.
  ///
  /// ``Preprocessing/Range/imageMaximum``, ``Preprocessing/Range/percentiles`` and
  /// ``Postprocessing/saliencyThreshold(_:)`` use the values of the tile instead of the image.
  ///
  /// - Parameters:
  ///   - image: The image, or a source of its regions.
  ///   - tiling: The tiles.
  ///   - progress: Is called with the number of computed tiles and of all tiles, before the first and after each tile.
  ///     An error that it throws ends the computation.
  /// - Throws: The errors of ``callAsFunction(_:at:keepingLogits:)``, of the source and of `progress`; with
  ///   ``Tiling/Blending/gaussian`` also ``PredictionError`` if the network outputs labels.
  public func labels(
    for image: some ImageSource, in tiling: Tiling,
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws -> LabelMap {
    try segment(image, in: tiling, progress: progress)
  }

  /// Implements both forms of `labels(for:in:progress:)`.
  func segment(
    _ image: some ImageSource, in tiling: Tiling, progress: (_ done: Int, _ total: Int) throws -> Void
  ) throws -> LabelMap {
    var labels: [UInt16] = []
    labels.reserveCapacity(image.width * image.height)
    try segment(image, in: tiling, progress: progress) { rows, _ in labels += rows.labels }
    return LabelMap(width: image.width, height: image.height, labels: labels)
  }

  /// Computes the labels of an image of any size tile by tile, and passes them on as rows of tiles are finished, so
  /// that neither the image nor its labels are in memory as a whole.
  ///
  /// The labels are those of `labels(for:in:progress:)`. Memory is needed for the run of
  /// one tile and, along the width of the image, for the labels of one row of tiles; with
  /// ``Tiling/Blending/gaussian`` also for their probabilities, float32 `[tile height, width, classes]`.
  ///
  /// ``Preprocessing/Range/imageMaximum``, ``Preprocessing/Range/percentiles`` and
  /// ``Postprocessing/saliencyThreshold(_:)`` use the values of the tile instead of the image.
  ///
  /// - Parameters:
  ///   - source: The source of the image's regions, or the image. Each tile is read once, by rows of tiles.
  ///   - tiling: The tiles.
  ///   - progress: Is called with the number of computed tiles and of all tiles, before the first and after each tile.
  ///     An error that it throws ends the computation.
  ///   - rows: Is called with the labels of the next rows, of the width of the image, and the image row that is the
  ///     first of them: all rows of the image once, from the top. An error that it throws ends the computation.
  /// - Throws: The errors of ``callAsFunction(_:at:keepingLogits:)``, of the source, of `progress` and of `rows`; with
  ///   ``Tiling/Blending/gaussian`` also ``PredictionError`` if the network outputs labels.
  public func labels(
    for source: some ImageSource, in tiling: Tiling,
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in },
    rows: (_ labels: LabelMap, _ firstRow: Int) throws -> Void
  ) throws {
    try segment(source, in: tiling, progress: progress, rows: rows)
  }

  /// Implements both forms of ``labels(for:in:progress:rows:)-(_,_,(Int,Int)throws->Void,_)``.
  func segment(
    _ source: some ImageSource, in tiling: Tiling, progress: (_ done: Int, _ total: Int) throws -> Void,
    rows finish: (_ labels: LabelMap, _ firstRow: Int) throws -> Void
  ) throws {
    let (height, width) = (source.height, source.width)
    func part(_ rows: Range<Int>, _ columns: Range<Int>) throws -> Image {
      let image = try source.image(rows: rows, columns: columns)
      precondition(
        image.height == rows.count && image.width == columns.count,
        "a region of \(image.height)×\(image.width) pixels instead of \(rows.count)×\(columns.count)")
      return image
    }
    var done = 0
    switch tiling.blending {
    case .center:
      // Cut tiles from the image as padded for a single run. The bottom and right border of a tile at the edge is then
      // where it is for the whole image: an operator reads its own zero padding there, not values computed from
      // padding.
      let padded = Placement(of: Extent2D(height: height, width: width), fit: preprocessing.fit).networkSize
      let isPadded = preprocessing.fit.keepsPixels
      let rows = tiling.rows(of: isPadded ? padded.height : height).filter { $0.shown.lowerBound < height }
      let columns = tiling.columns(of: isPadded ? padded.width : width).filter { $0.shown.lowerBound < width }
      try progress(0, rows.count * columns.count)
      for row in rows {
        let down = row.shown.clamped(to: 0..<height)
        let kept = row.kept.clamped(to: down)
        var labels = LabelMap(width: width, height: kept.count, repeating: 0)
        for column in columns {
          let across = column.shown.clamped(to: 0..<width)
          let predictor =
            isPadded ? padding(to: Extent2D(height: row.shown.count, width: column.shown.count), tiling) : self
          let tile = try predictor(part(down, across)).labels
          for y in kept {
            for x in column.kept.clamped(to: across) {
              labels[y - kept.lowerBound, x] = tile[y - down.lowerBound, x - across.lowerBound]
            }
          }
          done += 1
          try progress(done, rows.count * columns.count)
        }
        // A row of tiles may decide nothing but padding.
        if !kept.isEmpty { try finish(labels, kept.lowerBound) }
      }
    case .gaussian:
      let (rows, columns) = (tiling.rows(of: height), tiling.columns(of: width))
      var band: ProbabilityBand?
      try progress(0, rows.count * columns.count)
      for (index, row) in rows.enumerated() {
        for column in columns {
          let tile = try probabilities(for: part(row.shown, column.shown))
          if band == nil {
            band = ProbabilityBand(
              height: min(tiling.size.height, height), width: width, classes: tile.shape[2])
          }
          band!.add(tile, rows: row.shown, columns: column.shown)
          done += 1
          try progress(done, rows.count * columns.count)
        }
        // Rows that are in no further tile are complete.
        let end = index + 1 < rows.count ? rows[index + 1].shown.lowerBound : height
        let first = band!.first
        try finish(band!.removeLabels(upTo: end, threshold: postprocessing.threshold), first)
      }
    }
  }

  /// A predictor that pads a tile to a size, rounded up to a multiple of the greatest common divisor of alignment and
  /// padding multiple.
  private func padding(to size: Extent2D, _ tiling: Tiling) -> Predictor {
    guard case .keep(let multiple) = preprocessing.fit else { return self }
    let step = greatestCommonDivisor(multiple, tiling.alignment)
    func up(_ extent: Int) -> Int { (extent + step - 1) / step * step }
    var preprocessing = preprocessing
    preprocessing.fit = .pad(Extent2D(height: up(size.height), width: up(size.width)))
    return Predictor(
      model, preprocessing: preprocessing, postprocessing: postprocessing, refinement: refinement, readings: readings)
  }
}

extension Preprocessing.Fit {
  /// Whether images are padded and not resized.
  fileprivate var keepsPixels: Bool { if case .keep = self { true } else { false } }
}

/// Weighted sums of probabilities for the rows of an image that further tiles will add to.
private struct ProbabilityBand {
  private let height, width, classes: Int
  /// The image row of the first sum.
  private(set) var first = 0
  /// `[row modulo height, column, class]`, not normalised: a common factor changes neither the argmax nor a comparison
  /// between two classes. Rows that no tile was added to are 0.
  private var sums: [Float]

  /// Creates a band for tiles of up to a height.
  init(height: Int, width: Int, classes: Int) {
    self.height = height
    self.width = width
    self.classes = classes
    sums = [Float](repeating: 0, count: height * width * classes)
  }

  /// Adds the probabilities `[row, column, class]` of a tile.
  mutating func add(_ tile: Tensor, rows: Range<Int>, columns: Range<Int>) {
    let (down, across) = (Tiling.weights(rows.count), Tiling.weights(columns.count))
    tile.withElements(of: Float.self) { values in
      var index = 0
      for (row, rowWeight) in zip(rows, down) {
        var target = (row % height * width + columns.lowerBound) * classes
        for columnWeight in across {
          let weight = rowWeight * columnWeight
          for _ in 0..<classes {
            sums[target] += weight * values[index]
            target += 1
            index += 1
          }
        }
      }
    }
  }

  /// Returns the labels of the rows before `end`, and removes these rows from the band.
  mutating func removeLabels(upTo end: Int, threshold: Float?) -> LabelMap {
    var labels = LabelMap(width: width, height: end - first, repeating: 0)
    for row in first..<end {
      let start = row % height * width
      for column in 0..<width {
        labels[row - first, column] = LabelMap.label(
          sums.span, pixel: start + column, classes: classes, threshold: threshold)
      }
      for index in start * classes..<(start + width) * classes { sums[index] = 0 }
    }
    first = end
    return labels
  }
}
