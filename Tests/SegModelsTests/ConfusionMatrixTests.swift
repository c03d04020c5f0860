import SegEngine
import SegModels
import Testing

/// Counts and ratios that can be checked on paper.
@Suite struct ConfusionMatrixTests {
  private func map(_ labels: [UInt16]) -> LabelMap { LabelMap(width: labels.count, height: 1, labels: labels) }

  private func matrix(
    _ classes: Int, prediction: [UInt16], truth: [UInt16], ignoring: UInt16? = 255
  ) throws -> ConfusionMatrix {
    var matrix = ConfusionMatrix(classes: classes, ignoreLabel: ignoring)
    try matrix.add(prediction: map(prediction), truth: map(truth))
    return matrix
  }

  @Test func ratiosAreThoseOfAPaperExample() throws {
    // truth      0 0 0 1 1 2 2 2 2 –
    // prediction 0 1 0 1 2 2 2 0 2 1
    let matrix = try matrix(
      3, prediction: [0, 1, 0, 1, 2, 2, 2, 0, 2, 1], truth: [0, 0, 0, 1, 1, 2, 2, 2, 2, 255])
    #expect(matrix.counts == [2, 1, 0, 0, 1, 1, 1, 0, 3])
    #expect(matrix.iou(0) == 2.0 / 4)
    #expect(matrix.iou(1) == 1.0 / 3)
    #expect(matrix.iou(2) == 3.0 / 5)
    // (30 + 20 + 36) / 60 over three classes, (20 + 36) / 60 over two.
    let (all, foreground): (Double, Double) = (86 / 180, 56 / 120)
    #expect(abs(try #require(matrix.meanIoU()) - all) < 1e-15)
    #expect(abs(try #require(matrix.meanIoU(over: 1..<3)) - foreground) < 1e-15)
    #expect(matrix.pixelAccuracy == 6.0 / 9)
  }

  @Test func aClassThatDoesNotOccurIsLeftOut() throws {
    let matrix = try matrix(4, prediction: [0, 2, 2], truth: [0, 0, 2])
    #expect(matrix.iou(1) == nil && matrix.iou(3) == nil)
    #expect(matrix.meanIoU() == 0.5)
    #expect(matrix.meanIoU(over: 1..<2) == nil)
  }

  @Test func aClassThatIsOnlyPredictedCountsAsZero() throws {
    let matrix = try matrix(3, prediction: [0, 1], truth: [0, 0])
    #expect(matrix.iou(1) == 0)
    #expect(matrix.meanIoU() == 0.25)
  }

  @Test func nothingCountedIsNoScore() throws {
    for matrix in [ConfusionMatrix(classes: 2), try matrix(2, prediction: [0, 1], truth: [255, 255])] {
      #expect(matrix.counts == [0, 0, 0, 0])
      #expect(matrix.meanIoU() == nil)
      #expect(matrix.pixelAccuracy == nil)
    }
  }

  @Test func theIgnoredLabelIsTheCallersChoice() throws {
    #expect(try matrix(2, prediction: [1, 1], truth: [0, 1], ignoring: 0).counts == [0, 0, 0, 1])
    #expect(throws: MetricError.unknownLabel(255, classes: 2, isTruth: true)) {
      try matrix(2, prediction: [0], truth: [255], ignoring: nil)
    }
    // What is predicted where the truth is ignored does not matter, not even where it is no class.
    #expect(try matrix(2, prediction: [9, 0], truth: [255, 0]).counts == [1, 0, 0, 0])
  }

  @Test func whatCannotBeComparedIsRefusedAndLeavesTheMatrixAlone() throws {
    var matrix = try matrix(2, prediction: [0, 1], truth: [0, 1])
    let before = matrix
    #expect(throws: MetricError.unknownLabel(2, classes: 2, isTruth: true)) {
      try matrix.add(prediction: map([0, 0]), truth: map([0, 2]))
    }
    #expect(throws: MetricError.unknownLabel(7, classes: 2, isTruth: false)) {
      try matrix.add(prediction: map([0, 7]), truth: map([0, 1]))
    }
    #expect(
      throws: MetricError.sizesDiffer(prediction: Extent2D(height: 1, width: 2), truth: Extent2D(height: 2, width: 1))
    ) {
      try matrix.add(prediction: map([0, 1]), truth: LabelMap(width: 1, height: 2, labels: [0, 1]))
    }
    #expect(matrix == before)
  }

  @Test func mergingIsAddingAllPixels() throws {
    let first = try matrix(3, prediction: [0, 1, 2], truth: [0, 2, 2])
    var second = try matrix(3, prediction: [1, 1], truth: [0, 1])
    second.merge(first)
    #expect(second == (try matrix(3, prediction: [0, 1, 2, 1, 1], truth: [0, 2, 2, 0, 1])))
  }

  @Test func oneClassIsAlwaysRight() throws {
    let matrix = try matrix(1, prediction: [0, 0], truth: [0, 255])
    #expect(matrix.meanIoU() == 1 && matrix.pixelAccuracy == 1)
    #expect(matrix.meanIoU(over: 1..<1) == nil)
  }
}
