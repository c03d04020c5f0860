import Foundation
import SegEngine
import SegIO
import SegModels
import TestSupport
import Testing

/// Figures of torchmetrics, MONAI, scikit-image and scipy (`Tests/Fixtures/metrics/make_metrics.py`).
@Suite struct MetricFixtureTests {
  /// A figure: a number, infinity, or none.
  private struct Figure: Decodable {
    let value: Double?

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      value =
        container.decodeNil()
        ? nil : (try? container.decode(String.self)) == "inf" ? .infinity : try container.decode(Double.self)
    }
  }

  private func expect(
    _ actual: Double?, _ expected: Double?, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard let actual, let expected else {
      #expect(actual == expected, "\(name)", sourceLocation: sourceLocation)
      return
    }
    let isClose = actual == expected || abs(actual - expected) <= 1e-6 * max(1, abs(expected))
    #expect(isClose, "\(name): \(actual), expected \(expected)", sourceLocation: sourceLocation)
  }

  private func files<Figures: Decodable>(_ name: String) throws -> ([String: Tensor], [String: Figures]) {
    let path = TestSupport.Fixtures.url("metrics/\(name)")
    return (
      try Safetensors(contentsOf: path.appendingPathExtension("safetensors").path).tensors,
      try JSONDecoder().decode([String: Figures].self, from: Data(contentsOf: path.appendingPathExtension("json")))
    )
  }

  // Pairs of masks.

  private struct MaskFigures: Decodable {
    struct Surface: Decodable {
      let hausdorff, hausdorff95, averageSymmetric: Figure
    }
    let iou, dice: Figure
    let boundaryIoU: Double?
    let boundaryF1: [String: Double?]
    let unit, spaced: Surface
    let height, width: Int?
  }

  private func mask(_ tensor: Tensor, _ figures: MaskFigures) -> BinaryMask {
    let bytes = tensor.elements(of: UInt8.self)
    guard let height = figures.height, let width = figures.width else {
      return BinaryMask(width: tensor.shape[1], height: tensor.shape[0], isSet: bytes.map { $0 != 0 })
    }
    // Eight pixels a byte, the first in the highest bit.
    let isSet = (0..<height * width).map { bytes[$0 / 8] >> UInt8(7 - $0 % 8) & 1 != 0 }
    return BinaryMask(width: width, height: height, isSet: isSet)
  }

  @Test func pairsOfMasks() throws {
    let (tensors, figures): ([String: Tensor], [String: MaskFigures]) = try files("masks")
    #expect(figures.keys.count { $0.hasPrefix("pupil") } == 32 && figures.count == 45)
    for (name, expected) in figures.sorted(by: { $0.key < $1.key }) {
      let prediction = mask(try tensors.named("\(name)/prediction"), expected)
      let truth = mask(try tensors.named("\(name)/truth"), expected)
      for (spacing, figures) in [
        (PixelSpacing.unit, expected.unit), (PixelSpacing(vertical: 0.7, horizontal: 1.3), expected.spaced),
      ] {
        let distances = try SurfaceDistances(prediction: prediction, truth: truth, spacing: spacing)
        // MONAI calls the Hausdorff distance of two empty masks NaN, and its average too.
        expect(distances.averageSymmetric, figures.averageSymmetric.value, "\(name) ASSD")
        expect(distances.hausdorff, figures.hausdorff.value, "\(name) HD")
        if distances.isOneSided {
          // MONAI's interpolation between infinities is NaN.
          #expect(distances.percentile(95) == .infinity && figures.hausdorff95.value == nil)
        } else {
          expect(distances.percentile(95), figures.hausdorff95.value, "\(name) HD95")
        }
      }
      let labels = (labelMap(prediction), labelMap(truth))
      var matrix = ConfusionMatrix(classes: 2, ignoreLabel: nil)
      try matrix.add(prediction: labels.0, truth: labels.1)
      // MONAI leaves masks out whose truth is empty.
      if !truth.isEmpty {
        expect(matrix.value(.iou, of: 1), expected.iou.value, "\(name) IoU")
        expect(matrix.value(.dice, of: 1), expected.dice.value, "\(name) Dice")
      }
      var boundary = BoundaryIoU(classes: 2, ignoreLabel: nil)
      try boundary.add(prediction: labels.0, truth: labels.1)
      expect(boundary.value(of: 1), expected.boundaryIoU, "\(name) boundary IoU")
      for (tolerance, value) in expected.boundaryF1 {
        for averaging in BoundaryF1.Averaging.allCases {
          var f1 = BoundaryF1(
            classes: 2, tolerance: .pixels(try #require(Double(tolerance))), averaging: averaging, ignoreLabel: nil)
          try f1.add(prediction: labels.0, truth: labels.1)
          expect(f1.value(of: 1), value, "\(name) boundary F1 at \(tolerance)")
        }
      }
    }
  }

  private func labelMap(_ mask: BinaryMask) -> LabelMap {
    LabelMap(width: mask.width, height: mask.height, labels: mask.isSet.map { $0 ? 1 : 0 })
  }

  // Label maps.

  private struct LabelFigures: Decodable {
    let classes: Int
    let counts: [Int]
    let iou, dice, precision, recall: [Double]
    let meanIoU, meanDice, meanPrecision, meanRecall, pixelAccuracy, frequencyWeightedIoU: Double
    let trimapWidths: [Int]
    let trimap, trimapWithinClasses: [[Int]]
    let boundaryF1: [Double?]?
    let boundaryIoU: [Double?]
  }

  @Test(arguments: [1, 3]) func labelMaps(_ threads: Int) throws {
    let workers = WorkerPool(threads: threads)
    let (tensors, figures): ([String: Tensor], [String: LabelFigures]) = try files("labels")
    #expect(figures.count == 10)
    for (name, expected) in figures.sorted(by: { $0.key < $1.key }) {
      func map(_ kind: String) throws -> LabelMap {
        let tensor = try tensors.named("\(name)/\(kind)")
        return LabelMap(
          width: tensor.shape[1], height: tensor.shape[0], labels: tensor.elements(of: UInt8.self).map(UInt16.init))
      }
      let (prediction, truth) = (try map("prediction"), try map("truth"))
      var metrics = SegmentationMetrics(classes: expected.classes)
      let image = try metrics.add(prediction: prediction, truth: truth, on: workers)
      let matrix = metrics.confusion
      #expect(matrix == image)
      #expect(matrix.counts == expected.counts, "\(name)")
      for (ratio, values, mean) in [
        (ClassRatio.iou, expected.iou, expected.meanIoU), (.dice, expected.dice, expected.meanDice),
        (.precision, expected.precision, expected.meanPrecision), (.recall, expected.recall, expected.meanRecall),
      ] {
        // torchmetrics has 0 for 0 / 0.
        for label in 0..<expected.classes {
          expect(matrix.value(ratio, of: label) ?? 0, values[label], "\(name) \(ratio)")
        }
        expect(matrix.mean(ratio, undefined: .zeroWherePresent), mean, "\(name) mean \(ratio)")
      }
      expect(matrix.pixelAccuracy, expected.pixelAccuracy, "\(name) accuracy")
      expect(matrix.frequencyWeightedIoU, expected.frequencyWeightedIoU, "\(name) FWIoU")
      for ignoredBorders in [true, false] {
        var trimap = TrimapMetrics(
          classes: expected.classes, widths: expected.trimapWidths, ignoredBorders: ignoredBorders)
        try trimap.add(prediction: prediction, truth: truth, on: workers)
        #expect(
          trimap.matrices.map(\.counts) == (ignoredBorders ? expected.trimap : expected.trimapWithinClasses), "\(name)")
      }
      var f1 = BoundaryF1(classes: expected.classes, tolerance: .pixels(2))
      try f1.add(prediction: prediction, truth: truth, on: workers)
      for label in 0..<expected.classes {
        expect(metrics.boundaryIoU.value(of: label), expected.boundaryIoU[label], "\(name) boundary IoU \(label)")
        guard let values = expected.boundaryF1 else { continue }
        expect(f1.value(of: label), values[label], "\(name) boundary F1 \(label)")
      }
    }
  }
}
