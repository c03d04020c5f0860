import SegEngine

extension Predictor {
  /// The labels of an image of any size, tile by tile: memory is that of one tile's run and of the probabilities of one row of tiles,
  /// never of the whole image's logits.
  ///
  /// ``Preprocessing/Range/imageMaximum`` and ``Postprocessing/saliencyThreshold(_:)`` look at a tile where they would look at the image.
  ///
  /// - Throws: As ``callAsFunction(_:at:)``; with ``Tiling/Blending/gaussian`` also ``PredictionError`` where the network gives labels.
  public func labels(for image: Image, in tiling: Tiling) throws -> LabelMap {
    var labels = LabelMap(width: image.width, height: image.height, repeating: 0)
    let (rows, columns) = (tiling.rows(of: image.height), tiling.columns(of: image.width))
    switch tiling.blending {
    case .center:
      for row in rows {
        for column in columns {
          let tile = try self(image.cropped(rows: row.shown, columns: column.shown)).labels
          for y in row.kept {
            for x in column.kept { labels[y, x] = tile[y - row.shown.lowerBound, x - column.shown.lowerBound] }
          }
        }
      }
    case .gaussian:
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
        let start = ((row - first) * width + column) * classes
        var label = 0
        if let threshold {
          let total = sums[start] + sums[start + 1]
          label = sums[start + 1] > threshold * total ? 1 : 0
        } else {
          for index in 1..<max(classes, 1) where sums[start + index] > sums[start + label] { label = index }
        }
        labels[row, column] = UInt16(label)
      }
    }
    sums.removeFirst((end - first) * width * classes)
    first = end
  }
}
