import Foundation
import SegEngine
import SegIO
import SegModels
import TestSupport
import Testing

/// Values and gradients of PyTorch, torchvision, segmentation-models-pytorch and MONAI in float64
/// (`Tests/Fixtures/losses/make_losses.py`), to a relative 1e-5: of the value, and of the largest derivative.
@Suite struct LossFixtureTests {
  private static let cases = Result {
    let file = try Safetensors(contentsOf: TestSupport.Fixtures.url("losses/losses.safetensors").path)
    return try FixtureCase.all(tensors: file.tensors, metadata: file.metadata)
  }

  @Test(arguments: [1, 3]) func valuesAndGradients(_ threads: Int) throws {
    let workers = WorkerPool(threads: threads)
    let cases = try Self.cases.get()
    #expect(cases.count == 142)
    for fixture in cases {
      let (logits, targets) = (try fixture.tensors.named("logits"), try fixture.tensors.named("targets"))
      let result = try loss(fixture).evaluate(logits, maps(targets), gradient: true, on: workers)
      let value = fixture.number("value")
      #expect(abs(result.value - value) <= 1e-5 * abs(value), "\(fixture.name): \(result.value), expected \(value)")
      let expected = try fixture.tensors.named("gradient")
      let gradient = try #require(result.gradient)
      #expect(expected.largest > 0, "\(fixture.name)")
      #expect(gradient.distance(to: expected) <= 1e-5 * expected.largest, "\(fixture.name) gradient")
      guard fixture.text("reduction") == "none" else {
        #expect(result.elements == nil)
        continue
      }
      let elements = try fixture.tensors.named("elements")
      #expect(
        try #require(result.elements).distance(to: elements) <= 1e-5 * elements.largest, "\(fixture.name) elements")
      // The value alone is the same.
      let valueAlone = try loss(fixture).evaluate(logits, maps(targets), gradient: false, on: workers)
      #expect(valueAlone.value == result.value && valueAlone.gradient == nil)
    }
  }

  private func maps(_ targets: Tensor) -> [LabelMap] {
    let (height, width) = (targets.shape[1], targets.shape[2])
    let labels = targets.elements(of: Int32.self).map { UInt16($0) }
    return (0..<targets.shape[0]).map {
      LabelMap(width: width, height: height, labels: Array(labels[$0 * height * width..<($0 + 1) * height * width]))
    }
  }

  private func loss(_ fixture: FixtureCase) throws -> any SegmentationLoss {
    let reduction = try #require(LossReduction(rawValue: fixture.text("reduction")))
    let weights = fixture.tensors["weights"]?.floats.map(Double.init)
    func number(_ key: String, _ otherwise: Double) -> Double { fixture.has(key) ? fixture.number(key) : otherwise }
    var options = OverlapOptions()
    options.reduction = reduction
    options.classWeights = weights
    options.smoothing = number("smoothing", 0)
    options.region = fixture.text("region") == "image" ? .image : .batch
    options.absentClasses = ["zero": .zero, "counted": .counted][fixture.text("absent")] ?? .leftOut
    options.classes = fixture.flag("flattened") ? .flattened : .averaged
    options.includesBackground = !fixture.has("background") || fixture.flag("background")
    let region = options.region
    switch fixture.text("loss") {
    case "crossEntropy":
      return CrossEntropyLoss(classWeights: weights, labelSmoothing: number("smoothing", 0), reduction: reduction)
    case "binaryCrossEntropy":
      return BinaryCrossEntropyLoss(
        classWeights: weights, positiveWeight: number("positive", 1), labelSmoothing: number("smoothing", 0),
        reduction: reduction)
    case "focal": return FocalLoss(gamma: number("gamma", 0), alpha: weights, reduction: reduction)
    case "binaryFocal":
      return BinaryFocalLoss(
        gamma: number("gamma", 0), alpha: fixture.has("alpha") ? fixture.number("alpha") : nil, reduction: reduction)
    case "dice": return DiceLoss(options, squaresPrediction: fixture.flag("squared"))
    case "jaccard": return JaccardLoss(options, squaresPrediction: fixture.flag("squared"))
    case "tversky":
      return TverskyLoss(alpha: number("alpha", 0), beta: number("beta", 0), gamma: number("gamma", 1), options)
    case "lovasz":
      return LovaszSoftmaxLoss(
        classes: fixture.text("classes") == "all" ? .all : .present, region: region, reduction: reduction)
    case "boundary": return BoundaryLoss(reduction: reduction)
    case "hardest":
      return HardExampleMining(
        CrossEntropyLoss(), probabilityThreshold: number("threshold", 0), minimum: .pixels(fixture.integer("minimum")),
        reduction: reduction)
    case "rebalanced":
      var loss = CombinedLoss.rebalanced(region: DiceLoss(options), from: 0, to: 1, over: 10)
      loss.time = 5
      return loss
    default: throw MissingFixture(name: fixture.text("loss"))
    }
  }
}
