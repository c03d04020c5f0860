import SegEngine

extension Predictor {
  /// The labels of an image of any size, computed tile by tile. Memory is needed for the run of one tile and the
  /// probabilities of one row of tiles, not for the logits of the whole image.
  ///
  /// ``Preprocessing/Range/imageMaximum`` and ``Postprocessing/saliencyThreshold(_:)`` use the values of the tile
  /// instead of the image.
  ///
  /// - Parameters:
  ///   - image: The image.
  ///   - tiling: The tiles.
  ///   - progress: Is called with the number of computed tiles and of all tiles, before the first and after each tile.
  ///     An error that it throws ends the computation.
  /// - Throws: The errors of ``callAsFunction(_:at:keepingLogits:)`` and of `progress`; with
  ///   ``Tiling/Blending/gaussian`` also ``PredictionError`` if the network outputs labels.
  public func labels(
    for image: Image, in tiling: Tiling, progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws -> LabelMap {
    try segment(image, in: tiling, progress: progress)
  }

  /// Implements both forms of ``labels(for:in:progress:)``.
  func segment(
    _ image: Image, in tiling: Tiling, progress: (_ done: Int, _ total: Int) throws -> Void
  ) throws -> LabelMap {
    var done = 0
    var labels = LabelMap(width: image.width, height: image.height, repeating: 0)
    switch tiling.blending {
    case .center:
      // Cut tiles from the image as padded for a single run. The bottom and right border of a tile at the edge is then
      // where it is for the whole image: an operator reads its own zero padding there, not values computed from
      // padding.
      let padded = Placement(of: Extent2D(height: image.height, width: image.width), fit: preprocessing.fit).networkSize
      let isPadded = preprocessing.fit.keepsPixels
      let rows = tiling.rows(of: isPadded ? padded.height : image.height).filter { $0.shown.lowerBound < image.height }
      let columns = tiling.columns(of: isPadded ? padded.width : image.width)
        .filter { $0.shown.lowerBound < image.width }
      try progress(0, rows.count * columns.count)
      for row in rows {
        for column in columns {
          let (down, across) = (row.shown.clamped(to: 0..<image.height), column.shown.clamped(to: 0..<image.width))
          let predictor =
            isPadded ? padding(to: Extent2D(height: row.shown.count, width: column.shown.count), tiling) : self
          let tile = try predictor(image.cropped(rows: down, columns: across)).labels
          for y in row.kept.clamped(to: down) {
            for x in column.kept.clamped(to: across) { labels[y, x] = tile[y - down.lowerBound, x - across.lowerBound] }
          }
          done += 1
          try progress(done, rows.count * columns.count)
        }
      }
    case .gaussian:
      let (rows, columns) = (tiling.rows(of: image.height), tiling.columns(of: image.width))
      var band: ProbabilityBand?
      try progress(0, rows.count * columns.count)
      for (index, row) in rows.enumerated() {
        for column in columns {
          let tile = try probabilities(for: image.cropped(rows: row.shown, columns: column.shown))
          if band == nil { band = ProbabilityBand(width: image.width, classes: tile.shape[2]) }
          band!.add(tile, rows: row.shown, columns: column.shown)
          done += 1
          try progress(done, rows.count * columns.count)
        }
        // Rows that are in no further tile are complete.
        let end = index + 1 < rows.count ? rows[index + 1].shown.lowerBound : image.height
        band!.decide(upTo: end, threshold: postprocessing.threshold, &labels)
      }
    }
    return labels
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
  private let width, classes: Int
  /// The image row of the first sum.
  private var first = 0
  /// `[row, column, class]`, not normalised: a common factor changes neither the argmax nor a comparison between two
  /// classes.
  private var sums: [Float] = []

  init(width: Int, classes: Int) {
    self.width = width
    self.classes = classes
  }

  mutating func add(_ tile: Tensor, rows: Range<Int>, columns: Range<Int>) {
    let missing = (rows.upperBound - first) * width * classes - sums.count
    if missing > 0 { sums += [Float](repeating: 0, count: missing) }
    let (down, across) = (Tiling.weights(rows.count), Tiling.weights(columns.count))
    tile.withElements(of: Float.self) { values in
      var index = 0
      for (row, rowWeight) in zip(rows, down) {
        var target = ((row - first) * width + columns.lowerBound) * classes
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

  /// Labels the rows before `end` and removes them from the band.
  mutating func decide(upTo end: Int, threshold: Float?, _ labels: inout LabelMap) {
    for row in first..<end {
      for column in 0..<width {
        labels[row, column] = LabelMap.label(
          sums.span, pixel: (row - first) * width + column, classes: classes, threshold: threshold)
      }
    }
    sums.removeFirst((end - first) * width * classes)
    first = end
  }
}
