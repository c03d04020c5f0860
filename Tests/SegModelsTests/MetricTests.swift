import SegEngine
import SegModels
import TestSupport
import Testing

/// Conventions and ratios that can be checked on paper.
@Suite struct MetricTests {
  private func map(_ width: Int, _ labels: [UInt16]) -> LabelMap {
    LabelMap(width: width, height: labels.count / width, labels: labels)
  }

  private func randomMap(_ width: Int, _ height: Int, _ labels: [UInt16], _ generator: inout SeededGenerator)
    -> LabelMap
  {
    LabelMap(
      width: width, height: height, labels: (0..<width * height).map { _ in labels.randomElement(using: &generator)! })
  }

  /// Counting by runs, in parts and on several threads gives what counting pixel by pixel does.
  @Test func countsAreThoseOfALoop() throws {
    var generator = SeededGenerator(seed: 8)
    for threads in [1, 4] {
      let workers = WorkerPool(threads: threads)
      for (width, height, runs) in [(1, 1, 1), (3, 1, 1), (7, 9, 1), (640, 1000, 1), (640, 1000, 37), (999, 801, 4)] {
        var (prediction, truth) = (
          randomMap(width, height, [0, 1, 2, 3, 4], &generator),
          randomMap(width, height, [0, 1, 2, 3, 4, 255], &generator)
        )
        for index in truth.labels.indices {
          truth.labels[index] = truth.labels[index / runs * runs]
          prediction.labels[index] = prediction.labels[index / (runs + 1) * (runs + 1)]
        }
        for ignored in [255, 2] as [UInt16] {
          if ignored == 2 {
            for index in truth.labels.indices where truth.labels[index] == 255 { truth.labels[index] = 4 }
          }
          var expected = [Int](repeating: 0, count: 25)
          for (t, p) in zip(truth.labels, prediction.labels) where t != ignored { expected[Int(t) * 5 + Int(p)] += 1 }
          var matrix = ConfusionMatrix(classes: 5, ignoreLabel: ignored)
          try matrix.add(prediction: prediction, truth: truth, on: workers)
          #expect(matrix.counts == expected, "\(width)×\(height), runs of \(runs), \(threads) threads")
        }
      }
    }
  }

  /// The first label that is no class is named, wherever it is.
  @Test func unknownLabelsAreFoundInLargeMaps() throws {
    var matrix = ConfusionMatrix(classes: 3)
    var (prediction, truth) = (LabelMap(width: 1000, height: 700), LabelMap(width: 1000, height: 700, repeating: 2))
    truth[699, 999] = 7
    #expect(throws: MetricError.unknownLabel(7, classes: 3, isTruth: true)) {
      try matrix.add(prediction: prediction, truth: truth)
    }
    truth[699, 999] = 255
    prediction[699, 999] = 3
    try matrix.add(prediction: prediction, truth: truth)
    #expect(matrix.pixelCount == 699_999)
    prediction[300, 3] = 65535
    #expect(throws: MetricError.unknownLabel(65535, classes: 3, isTruth: false)) {
      try matrix.add(prediction: prediction, truth: truth)
    }
    #expect(matrix.pixelCount == 699_999)
    matrix.reset()
    #expect(matrix == ConfusionMatrix(classes: 3))
  }

  @Test func undefinedRatiosFollowTheConvention() throws {
    // Class 1 is true and never predicted, class 2 predicted and never true, class 3 neither.
    var matrix = ConfusionMatrix(classes: 4)
    try matrix.add(prediction: map(4, [0, 0, 2, 0]), truth: map(4, [0, 1, 0, 0]))
    #expect(matrix.counts == [2, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect((0..<4).map { matrix.value(.precision, of: $0) } == [2.0 / 3, nil, 0, nil])
    #expect((0..<4).map { matrix.value(.recall, of: $0) } == [2.0 / 3, 0, nil, nil])
    #expect((0..<4).map { matrix.value(.iou, of: $0) } == [0.5, 0, 0, nil])
    #expect((0..<4).map { matrix.value(.dice, of: $0) } == [4.0 / 6, 0, 0, nil])
    // The sums of the classes' values and how many there are.
    let means: [(UndefinedRatio, precision: (Double, Double), iou: (Double, Double))] = [
      (.leftOut, (2.0 / 3, 2), (0.5, 3)), (.zero, (2.0 / 3, 4), (0.5, 4)), (.one, (8.0 / 3, 4), (1.5, 4)),
      (.zeroWherePresent, (2.0 / 3, 3), (0.5, 3)),
    ]
    for (undefined, precisions, ious) in means {
      let (precision, iou) = (precisions.0 / precisions.1, ious.0 / ious.1)
      #expect(abs(try #require(matrix.mean(.precision, undefined: undefined)) - precision) < 1e-15, "\(undefined)")
      #expect(abs(try #require(matrix.mean(.iou, undefined: undefined)) - iou) < 1e-15, "\(undefined)")
    }
    #expect(matrix.meanClassAccuracy == 1.0 / 3)
    // Three of four pixels are of class 0.
    #expect(matrix.frequencyWeightedIoU == 0.75 * 0.5)
    #expect(ConfusionMatrix(classes: 2).mean(.iou, undefined: .one) == 1)
    #expect(ConfusionMatrix(classes: 2).frequencyWeightedIoU == nil)
  }

  @Test func emptyMasksFollowTheConvention() throws {
    let (empty, some) = (LabelMap(width: 4, height: 3), map(4, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
    func figures(_ emptyMasks: EmptyMasks, _ prediction: LabelMap, _ truth: LabelMap) throws -> SurfaceMetrics.Entry {
      var metrics = SurfaceMetrics(
        classes: 2, spacing: PixelSpacing(vertical: 2, horizontal: 2), emptyMasks: emptyMasks)
      try metrics.add(prediction: prediction, truth: truth)
      return metrics.entries[1]
    }
    for (prediction, truth) in [(empty, some), (some, empty)] {
      #expect(try figures(.infinite, prediction, truth).averageSymmetric == .infinity)
      #expect(try figures(.infinite, prediction, truth).hausdorff95 == .infinity)
      #expect(try figures(.imageDiagonal, prediction, truth).hausdorff == 10)
      #expect(throws: MetricError.emptyMask(isTruth: truth == empty)) { try figures(.refused, prediction, truth) }
    }
    for convention in EmptyMasks.allCases {
      let none = try figures(convention, empty, empty)
      #expect(none.imageCount == 0 && none.hausdorff == nil && none.averageSymmetric == nil && none.hausdorff95 == nil)
      #expect(try figures(convention, some, some).hausdorff == 0)
    }
  }

  @Test func percentilesAreInterpolated() throws {
    // Two pixels and one: distances 0 and 3 one way, 0 the other.
    let distances = try SurfaceDistances(
      prediction: BinaryMask(width: 4, height: 1, isSet: [true, false, false, true]),
      truth: BinaryMask(width: 4, height: 1, isSet: [true, false, false, false]))
    #expect(distances.fromPrediction == [0, 3] && distances.fromTruth == [0])
    #expect(distances.averageSymmetric == 1 && distances.hausdorff == 3)
    #expect(abs(try #require(distances.percentile(95)) - 2.85) < 1e-12)
    // Of 0, 0, 3 at place 1.9.
    #expect(abs(try #require(distances.percentile(95, convention: .pooled)) - 2.7) < 1e-12)
    #expect(distances.percentile(0) == 0 && distances.percentile(100) == 3)
  }

  @Test func boundariesFollowTheRule() {
    let full = BinaryMask(width: 3, height: 3, isSet: Array(repeating: true, count: 9))
    #expect(full.boundary(.within).count == 0)
    #expect(full.boundary(.closed).count == 8)
    var corner = full
    corner.isSet[0] = false
    #expect(corner.boundary(.within).isSet == [false, true, false, true, false, false, false, false, false])
    let eight = BoundaryRule(neighbours: .eight, imageEdgeIsOutside: false)
    #expect(corner.boundary(eight).isSet == [false, true, false, true, true, false, false, false, false])
    // Nobody knows what is in the corner, so nothing is its neighbour.
    #expect(corner.boundary(.within, unknown: corner.complement).count == 0)
  }

  /// What is predicted where the truth is unknown changes nothing, and neither does the border of the unknown.
  @Test func ignoredPixelsChangeNothing() throws {
    var generator = SeededGenerator(seed: 2)
    var truth = randomMap(30, 20, [0, 1, 2], &generator)
    for row in 4..<12 { for column in 5..<17 { truth[row, column] = 255 } }
    let prediction = randomMap(30, 20, [0, 1, 2], &generator)
    var (metrics, other) = (SegmentationMetrics(classes: 3), SegmentationMetrics(classes: 3))
    try metrics.add(prediction: prediction, truth: truth)
    var changed = prediction
    for row in 4..<12 { for column in 5..<17 { changed[row, column] = UInt16(row * column % 3) } }
    try other.add(prediction: changed, truth: truth)
    #expect(metrics == other)
    #expect(metrics.confusion.pixelCount == 600 - 96)
    // A class that ends at the unknown has no boundary there.
    var half = LabelMap(width: 6, height: 4, repeating: 1)
    for row in 0..<4 { for column in 3..<6 { half[row, column] = 255 } }
    var f1 = BoundaryF1(classes: 2)
    try f1.add(prediction: LabelMap(width: 6, height: 4, repeating: 1), truth: half)
    #expect(f1.value(of: 1) == nil)
  }

  @Test func tolerancesAreInPixelsOrSharesOfTheDiagonal() throws {
    #expect(BoundaryTolerance.pixels(2).pixels(height: 30, width: 40) == 2)
    #expect(BoundaryTolerance.diagonalShare(0.02).pixels(height: 30, width: 40) == 1)
    // A line that is off by one pixel in an image whose diagonal is 50 pixels.
    func maps(_ column: Int) -> LabelMap {
      var map = LabelMap(width: 40, height: 30)
      for row in 0..<30 { for right in column..<40 { map[row, right] = 1 } }
      return map
    }
    for (tolerance, value) in [
      (BoundaryTolerance.pixels(0.5), 0.0), (.pixels(1), 1), (.diagonalShare(0.019), 0), (.diagonalShare(0.021), 1),
    ] {
      var f1 = BoundaryF1(classes: 2, tolerance: tolerance)
      try f1.add(prediction: maps(20), truth: maps(21))
      #expect(f1.value(of: 0) == value && f1.value(of: 1) == value, "\(tolerance)")
      #expect(f1.precision(1) == value && f1.recall(1) == value)
    }
  }

  @Test func mergingIsAddingAllImages() throws {
    var generator = SeededGenerator(seed: 4)
    let pairs = (0..<4).map { _ in
      (randomMap(21, 17, [0, 1, 2], &generator), randomMap(21, 17, [0, 1, 2, 255], &generator))
    }
    var options = SegmentationMetrics.Options()
    options.boundaryAveraging = .pixels
    var (all, first, second) = (
      SegmentationMetrics(classes: 3, options: options), SegmentationMetrics(classes: 3, options: options),
      SegmentationMetrics(classes: 3, options: options)
    )
    for (index, pair) in pairs.enumerated() {
      try all.add(prediction: pair.0, truth: pair.1)
      if index < 2 {
        try first.add(prediction: pair.0, truth: pair.1)
      } else {
        try second.add(prediction: pair.0, truth: pair.1)
      }
    }
    first.merge(second)
    #expect(first.confusion == all.confusion && first.trimap == all.trimap && first.boundaryIoU == all.boundaryIoU)
    for label in 0..<3 {
      #expect(first.boundaryF1.value(of: label) == all.boundaryF1.value(of: label))
      let (a, b) = (first.surfaces.entries[label], all.surfaces.entries[label])
      #expect(a.imageCount == 4 && b.imageCount == 4)
      #expect(abs(try #require(a.averageSymmetric) - #require(b.averageSymmetric)) < 1e-12)
      #expect(abs(try #require(a.hausdorff) - #require(b.hausdorff)) < 1e-12)
    }
    all.reset()
    #expect(all == SegmentationMetrics(classes: 3, options: options))
  }

  /// What is left out stays that of no images, and the rest is what it is with all.
  @Test func measuresAreIndependent() throws {
    var generator = SeededGenerator(seed: 5)
    let (prediction, truth) = (
      randomMap(40, 30, [0, 1, 2], &generator), randomMap(40, 30, [0, 1, 2, 255], &generator)
    )
    var all = SegmentationMetrics(classes: 3)
    try all.add(prediction: prediction, truth: truth)
    let none = SegmentationMetrics(classes: 3)
    for bits in 0..<16 {
      var options = SegmentationMetrics.Options()
      options.measures = SegmentationMetrics.Measures(rawValue: bits)
      var some = SegmentationMetrics(classes: 3, options: options)
      try some.add(prediction: prediction, truth: truth)
      let measures = options.measures
      #expect(some.confusion == all.confusion)
      #expect(some.boundaryF1 == (measures.contains(.boundaryF1) ? all : none).boundaryF1)
      #expect(some.boundaryIoU == (measures.contains(.boundaryIoU) ? all : none).boundaryIoU)
      #expect(some.trimap == (measures.contains(.trimap) ? all : none).trimap)
      #expect(some.surfaces == (measures.contains(.surfaceDistances) ? all : none).surfaces)
    }
  }

  /// Classes that show up later change nothing about the others.
  @Test func classesMayBeAddedAsTheyAreSeen() throws {
    var generator = SeededGenerator(seed: 6)
    let pairs = [[0, 1], [1, 2], [0, 4]].map { labels in
      (
        randomMap(20, 30, labels.map { UInt16($0) }, &generator),
        randomMap(20, 30, labels.map { UInt16($0) } + [255], &generator)
      )
    }
    var (fixed, growing) = (SegmentationMetrics(classes: 5), SegmentationMetrics(classes: 1))
    for (index, pair) in pairs.enumerated() {
      growing.extend(to: [2, 3, 5][index])
      try growing.add(prediction: pair.0, truth: pair.1)
      try fixed.add(prediction: pair.0, truth: pair.1)
    }
    #expect(growing == fixed)
    growing.reset()
    #expect(growing == SegmentationMetrics(classes: 5))
  }

  @Test func whatCannotBeComparedIsRefused() throws {
    var metrics = SegmentationMetrics(classes: 2)
    let before = metrics
    let (small, large) = (LabelMap(width: 2, height: 2), LabelMap(width: 3, height: 2))
    let sizes = MetricError.sizesDiffer(prediction: Extent2D(height: 2, width: 2), truth: Extent2D(height: 2, width: 3))
    #expect(throws: sizes) { try metrics.add(prediction: small, truth: large) }
    #expect(throws: MetricError.unknownLabel(2, classes: 2, isTruth: false)) {
      try metrics.add(prediction: LabelMap(width: 2, height: 2, repeating: 2), truth: small)
    }
    #expect(metrics == before)
    var (f1, iou, trimap, surfaces) = (
      BoundaryF1(classes: 2), BoundaryIoU(classes: 2), TrimapMetrics(classes: 2, widths: [1]),
      SurfaceMetrics(classes: 2)
    )
    #expect(throws: sizes) { try f1.add(prediction: small, truth: large) }
    #expect(throws: sizes) { try iou.add(prediction: small, truth: large) }
    #expect(throws: sizes) { try trimap.add(prediction: small, truth: large) }
    #expect(throws: sizes) { try surfaces.add(prediction: small, truth: large) }
    #expect("\(sizes)" == "the prediction has 2×2 pixels, the mask 2×3")
    #expect("\(MetricError.emptyMask(isTruth: false))".contains("prediction is empty"))
    #expect("\(MetricError.unknownLabel(.max, classes: 2, isTruth: false))".contains("without a label"))
  }
}
