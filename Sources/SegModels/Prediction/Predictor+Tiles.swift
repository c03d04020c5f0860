import SegEngine

extension Predictor {
  /// The labels of an image of any size, tile by tile: memory is that of one tile's run and of the probabilities of one row of tiles,
  /// never of the whole image's logits.
  ///
  /// ``Preprocessing/Range/imageMaximum`` and ``Postprocessing/saliencyThreshold(_:)`` look at a tile where they would look at the image.
  ///
  /// - Throws: As ``callAsFunction(_:at:keepingLogits:)``; with ``Tiling/Blending/gaussian`` also ``PredictionError`` where the network gives labels.
  public func labels(for image: Image, in tiling: Tiling) throws -> LabelMap {
    var labels = LabelMap(width: image.width, height: image.height, repeating: 0)
    switch tiling.blending {
    case .center:
      // Tiles are cut from the image as the network would see the whole of it, padded at the right and bottom: a map ends where it
      // ends for the whole image, since an operator sees its own zeros there and not what it makes of padding.
      let padded = Placement(of: Extent2D(image.height, image.width), fit: preprocessing.fit).networkSize
      let isPadded = preprocessing.fit.keepsPixels
      for row in tiling.rows(of: isPadded ? padded.height : image.height) where row.shown.lowerBound < image.height {
        for column in tiling.columns(of: isPadded ? padded.width : image.width)
        where column.shown.lowerBound < image.width {
          let (down, across) = (row.shown.clamped(to: 0..<image.height), column.shown.clamped(to: 0..<image.width))
          let predictor = isPadded ? padding(to: Extent2D(row.shown.count, column.shown.count), tiling) : self
          let tile = try predictor(image.cropped(rows: down, columns: across)).labels
          for y in row.kept.clamped(to: down) {
            for x in column.kept.clamped(to: across) { labels[y, x] = tile[y - down.lowerBound, x - across.lowerBound] }
          }
        }
      }
    case .gaussian:
      let (rows, columns) = (tiling.rows(of: image.height), tiling.columns(of: image.width))
      var band: ProbabilityBand?
      for (index, row) in rows.enumerated() {
        for column in columns {
          let tile = try probabilities(for: image.cropped(rows: row.shown, columns: column.shown))
          if band == nil { band = ProbabilityBand(width: image.width, classes: tile.shape[2]) }
          band!.add(tile, rows: row.shown, columns: column.shown)
        }
        // Rows that no further tile shows are decided.
        let end = index + 1 < rows.count ? rows[index + 1].shown.lowerBound : image.height
        band!.decide(upTo: end, threshold: postprocessing.threshold, &labels)
      }
    }
    return labels
  }

  /// The same for tiles that are padded to a size, and on to multiples of what their beginnings and the whole image's size have in common.
  private func padding(to size: Extent2D, _ tiling: Tiling) -> Predictor {
    func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
    guard case .keep(let multiple) = preprocessing.fit else { return self }
    let step = divisor(multiple, tiling.alignment)
    func up(_ extent: Int) -> Int { (extent + step - 1) / step * step }
    var preprocessing = preprocessing
    preprocessing.fit = .pad(Extent2D(up(size.height), up(size.width)))
    return Predictor(
      model, preprocessing: preprocessing, postprocessing: postprocessing, refinement: refinement, readings: readings)
  }
}

extension Preprocessing.Fit {
  /// Whether images are padded and not resized.
  fileprivate var keepsPixels: Bool { if case .keep = self { true } else { false } }
}

/// Weighted sums of probabilities for the rows of an image that tiles are still to come for.
private struct ProbabilityBand {
  private let width, classes: Int
  /// The row of the image at which the sums begin.
  private var first = 0
  /// `[row, column, class]`; common weights do not change which class has the largest, or where two classes' halves are.
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

  /// Labels the rows before `end`, and lets them go.
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
