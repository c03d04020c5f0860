import Foundation
import SegEngine
import SegModels
import TestSupport
import Testing

/// Gradients against differences, and what losses say by their definition.
@Suite struct LossTests {
  /// Every loss in some of its choices.
  private func everyLoss(
    channels: Int, reduction: LossReduction
  ) -> [(name: String, isSorted: Bool, loss: any SegmentationLoss)] {
    let weights = (0..<max(2, channels)).map { 0.5 + Double($0) }
    var result: [(String, Bool, any SegmentationLoss)] = [
      ("bce", false, BinaryCrossEntropyLoss(reduction: reduction)),
      (
        "bce, weighted", false,
        BinaryCrossEntropyLoss(
          classWeights: weights, positiveWeight: 3, labelSmoothing: 0.1, reduction: reduction)
      ),
      ("binary focal", false, BinaryFocalLoss(gamma: 1.5, reduction: reduction)),
      ("boundary", false, BoundaryLoss(reduction: reduction)),
      ("boundary, sigmoid", false, BoundaryLoss(classes: [0], activation: .sigmoid, reduction: reduction)),
    ]
    if channels > 1 {
      result += [
        ("ce", false, CrossEntropyLoss(reduction: reduction)),
        (
          "ce, weighted", false,
          CrossEntropyLoss(classWeights: weights, labelSmoothing: 0.2, reduction: reduction)
        ),
        ("focal", false, FocalLoss(gamma: 2, alpha: weights, reduction: reduction)),
        ("focal 0.5", false, FocalLoss(gamma: 0.5, reduction: reduction)),
        (
          "hardest", true,
          HardExampleMining(
            CrossEntropyLoss(), probabilityThreshold: 0.01, minimum: .share(0.4), reduction: reduction)
        ),
      ]
    }
    for region in OverlapOptions.Region.allCases {
      for absent in OverlapOptions.AbsentClass.allCases {
        for classes in OverlapOptions.Classes.allCases {
          var options = OverlapOptions()
          options.region = region
          options.absentClasses = absent
          options.classes = classes
          options.reduction = reduction
          options.smoothing = 0.25
          let name = "\(region), \(absent), \(classes)"
          result += [
            ("dice, \(name)", false, DiceLoss(options)),
            ("dice of squares, \(name)", false, DiceLoss(options, squaresPrediction: true)),
            ("jaccard, \(name)", false, JaccardLoss(options)),
            ("tversky, \(name)", false, TverskyLoss(gamma: 0.75, options)),
          ]
          options.activation = .sigmoid
          options.includesBackground = false
          result.append(("dice of sigmoids, \(name)", false, DiceLoss(options)))
        }
      }
      for classes in LovaszSoftmaxLoss.Classes.allCases {
        result.append(
          (
            "lovász, \(region), \(classes)", true,
            LovaszSoftmaxLoss(classes: classes, region: region, reduction: reduction)
          ))
      }
    }
    result.append(
      (
        "rebalanced", false,
        CombinedLoss.rebalanced(
          region: DiceLoss(OverlapOptions()), boundary: BoundaryLoss(reduction: reduction), from: 0.3)
      ))
    return result
  }

  /// Logits that are multiples of 1/32, so that small steps from them are exact, all of another magnitude, so that no two errors of one
  /// channel are equal, and targets with every label and ignored ones.
  private func batch(_ channels: Int, seed: UInt64 = 5) -> (Tensor, [LabelMap]) {
    var generator = SeededGenerator(seed: seed)
    let shape: Shape = [2, 4, 5, channels]
    let magnitudes = (1...shape.elementCount).map { Float($0) / 32 }.shuffled(using: &generator)
    let logits = Tensor(shape, magnitudes.map { Bool.random(using: &generator) ? $0 : -$0 })
    let labels = Array(0..<UInt16(max(2, channels))) + [255]
    let targets = (0..<2).map { image in
      // The last class is in the first image alone.
      LabelMap(
        width: 5, height: 4,
        labels: (0..<20).map { _ in
          let label = labels.randomElement(using: &generator)!
          return image == 1 && channels > 1 && Int(label) == channels - 1 ? 0 : label
        })
    }
    return (logits, targets)
  }

  @Test(arguments: [1, 3]) func gradientsAreThoseOfDifferences(_ channels: Int) throws {
    let (logits, targets) = batch(channels)
    let workers = WorkerPool(threads: 1)
    for reduction in LossReduction.allCases {
      for (name, isSorted, loss) in everyLoss(channels: channels, reduction: reduction) {
        let result = try loss.evaluate(logits, targets, gradient: true, on: workers)
        let gradient = try #require(result.gradient).floats.map(Double.init)
        // Where pixels are sorted the step must not change their order.
        let step = isSorted ? 0x1p-12 : 0x1p-9
        func value(_ index: Int, _ steps: Float) throws -> Double {
          var moved = logits
          moved.withMutableElements(of: Float.self) { $0[index] += steps * Float(step) }
          return try loss.evaluate(moved, targets, gradient: false, on: workers).value
        }
        let differences = try gradient.indices.map { index in
          // Central differences of two steps, exact to the fourth order.
          try (8 * (value(index, 1) - value(index, -1)) - (value(index, 2) - value(index, -2))) / (12 * step)
        }
        let largest = differences.reduce(0) { max($0, abs($1)) }
        #expect(largest > 1e-4, "\(name), \(reduction), \(channels) channels")
        for (index, difference) in differences.enumerated() where abs(gradient[index] - difference) > 1e-6 * largest {
          Issue.record("\(name), \(reduction): derivative \(index) is \(gradient[index]), difference \(difference)")
        }
      }
    }
  }

  @Test func theNumberOfThreadsChangesNoBit() throws {
    var generator = SeededGenerator(seed: 9)
    let shape: Shape = [2, 61, 83, 3]
    let logits = Tensor(shape, (0..<shape.elementCount).map { _ in Float.random(in: -4...4, using: &generator) })
    let targets = (0..<2).map { _ in
      LabelMap(
        width: 83, height: 61, labels: (0..<61 * 83).map { _ in [0, 1, 2, 255].randomElement(using: &generator)! })
    }
    for (name, _, loss) in everyLoss(channels: 3, reduction: .mean) {
      let one = try loss.evaluate(logits, targets, gradient: true, on: WorkerPool(threads: 1))
      let three = try loss.evaluate(logits, targets, gradient: true, on: WorkerPool(threads: 3))
      #expect(one.value == three.value && one.gradient == three.gradient, "\(name)")
    }
  }

  @Test(arguments: [1, 3]) func aBatchThatIsAllIgnoredHasNoLoss(_ channels: Int) throws {
    let logits = batch(channels).0
    let ignored = [LabelMap](repeating: LabelMap(width: 5, height: 4, repeating: 255), count: 2)
    for reduction in LossReduction.allCases {
      for (name, _, loss) in everyLoss(channels: channels, reduction: reduction) {
        let result = try loss(logits, ignored)
        #expect(result.value == 0, "\(name), \(reduction)")
        #expect(try #require(result.gradient) == Tensor(zeros: logits.shape), "\(name), \(reduction)")
        if let elements = result.elements { #expect(elements.floats.allSatisfy { $0 == 0 }, "\(name)") }
      }
    }
  }

  /// Batches of one class, sure and wrong or sure and right, and batches without images or pixels.
  @Test(arguments: [1, 3]) func oneClassAndLargeLogitsAreFinite(_ channels: Int) throws {
    for scale in [1, 1e4, 1e30] as [Float] {
      let logits = Tensor([2, 4, 5, channels], batch(channels).0.floats.map { $0 * scale })
      for label in 0..<UInt16(max(2, channels)) {
        let targets = [LabelMap](repeating: LabelMap(width: 5, height: 4, repeating: label), count: 2)
        for (name, _, loss) in everyLoss(channels: channels, reduction: .mean) {
          let result = try loss(logits, targets)
          #expect(result.value.isFinite, "\(name), label \(label), \(scale)")
          #expect(try #require(result.gradient).floats.allSatisfy(\.isFinite), "\(name), label \(label), \(scale)")
        }
      }
    }
    for shape in [[0, 4, 5, channels], [2, 0, 5, channels]] as [Shape] {
      let targets = (0..<shape.batch).map { _ in LabelMap(width: shape.width, height: shape.height) }
      for (name, _, loss) in everyLoss(channels: channels, reduction: .mean) {
        #expect(try loss(Tensor(zeros: shape), targets).value == 0, "\(name), \(shape)")
      }
    }
  }

  private func pixel(_ logits: [Float], _ label: UInt16) -> (Tensor, [LabelMap]) {
    (Tensor([1, 1, 1, logits.count], logits), [LabelMap(width: 1, height: 1, repeating: label)])
  }

  /// (1 − 0.9)² is 1/100.
  @Test func focalLossIsAHundredthOfCrossEntropyAtNineTenths() throws {
    let (logits, targets) = pixel([Float(log(9.0)), 0], 0)
    let (focal, entropy) = (try FocalLoss()(logits, targets).value, try CrossEntropyLoss()(logits, targets).value)
    #expect(abs(entropy + log(0.9)) < 1e-8)
    // The logit is log 9 rounded to float32.
    #expect(abs(focal / entropy * 100 - 1) < 1e-6)
    let (logit, target) = pixel([Float(log(9.0))], 1)
    let binary = try BinaryFocalLoss(gamma: 2, alpha: nil)(logit, target).value
    #expect(abs(binary / (try BinaryCrossEntropyLoss()(logit, target).value) * 100 - 1) < 1e-6)
    #expect(try FocalLoss(gamma: 0)(logits, targets).value == entropy)
  }

  /// What the loss multiplies cross-entropy by is the formula's factor.
  @Test(arguments: 0..<20) func focalLossIsCrossEntropyTimesItsFactor(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: 40 + seed)
    let gamma = Double.random(in: 0.5...4, using: &generator)
    let (logits, targets) = pixel([Float.random(in: -3...3, using: &generator), 0], 0)
    let probability = 1 / (1 + exp(-Double(logits.elements(of: Float.self)[0])))
    let ratio = try FocalLoss(gamma: gamma)(logits, targets).value / CrossEntropyLoss()(logits, targets).value
    let factor = DecoderFormulas.focalFactor(probability: probability, gamma: gamma)
    #expect(abs(ratio - factor) < 1e-6 * factor)
  }

  /// Losses far below what float32 probabilities near 1 could tell.
  @Test func smallLossesKeepTheirDigits() throws {
    let (logits, targets) = pixel([40, 0], 0)
    let wanted = log1p(exp(-40.0))
    for loss in [CrossEntropyLoss(), FocalLoss(gamma: 0)] as [any SegmentationLoss] {
      let result = try loss(logits, targets)
      #expect(abs(result.value / wanted - 1) < 1e-12)
      #expect(abs(Double(try #require(result.gradient).floats[0]) / -wanted - 1) < 1e-6)
    }
    let (logit, target) = pixel([-40], 0)
    #expect(abs(try BinaryCrossEntropyLoss()(logit, target).value / wanted - 1) < 1e-12)
    // And losses that are large: the difference of the logits.
    let (far, wrong) = pixel([5000, -3000, 0], 1)
    #expect(try CrossEntropyLoss()(far, wrong).value == 8000)
  }

  @Test func tverskyOfHalvesIsDiceAndOfOnesJaccard() throws {
    let (logits, targets) = batch(3)
    var options = OverlapOptions()
    options.smoothing = 0
    let dice = try DiceLoss(options)(logits, targets)
    let jaccard = try JaccardLoss(options)(logits, targets)
    let (half, one) = (
      try TverskyLoss(alpha: 0.5, beta: 0.5, options)(logits, targets),
      try TverskyLoss(alpha: 1, beta: 1, options)(logits, targets)
    )
    #expect(abs(half.value - dice.value) < 1e-14 && abs(one.value - jaccard.value) < 1e-14)
    #expect(try #require(half.gradient).distance(to: #require(dice.gradient)) < 1e-8)
    #expect(try #require(one.gradient).distance(to: #require(jaccard.gradient)) < 1e-8)
  }

  /// For predictions that are sure, the Lovász extension is 1 minus the IoU.
  @Test func lovaszLossOfSurePredictionsIsThatOfJaccard() throws {
    let (truth, prediction): ([UInt16], [Int]) = ([0, 0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 0, 1, 2, 2, 2, 0, 2])
    let logits = Tensor([1, 1, 9, 3], prediction.flatMap { label in (0..<3).map { Float($0 == label ? 1000 : 0) } })
    let value = try LovaszSoftmaxLoss()(logits, [LabelMap(width: 9, height: 1, labels: truth)]).value
    // IoU 2/4, 1/3 and 3/5.
    let wanted = (1.0 / 2 + 2.0 / 3 + 2.0 / 5) / 3
    #expect(abs(value - wanted) < 1e-6)
  }

  @Test func boundaryLossTakesMapsThatAreThere() throws {
    let (logits, targets) = batch(3)
    let loss = BoundaryLoss()
    let maps = loss.distanceMaps(of: targets, channels: 3)
    let result = try loss.evaluate(logits, targets, distances: maps)
    let other = try loss(logits, targets)
    #expect(result.value == other.value && result.gradient == other.gradient)
    #expect(throws: LossError.distancesDiffer(logits: [2, 4, 5, 3], distances: [1, 4, 5, 3])) {
      try loss.evaluate(logits, targets, distances: Tensor(zeros: [1, 4, 5, 3]))
    }
  }

  @Test func schedulesChangeEvenly() {
    let linear = LossSchedule.linear(from: 1, to: 0.2, over: 8)
    #expect([-1, 0, 4, 8, 99].map(linear.weight) == [1, 1, 0.6, 0.2, 0.2])
    let points = LossSchedule.points([.init(time: 2, weight: 0), .init(time: 4, weight: 1), .init(time: 5, weight: 0)])
    #expect([0, 2, 3, 4, 4.5, 5, 9].map(points.weight) == [0, 0, 0.5, 1, 0.5, 0, 0])
    #expect(LossSchedule.points([]).weight(at: 3) == 0 && LossSchedule.constant(2).weight(at: 3) == 2)
  }

  @Test func sumsAreWeighted() throws {
    let (logits, targets) = batch(3)
    let (dice, entropy) = (try DiceLoss()(logits, targets), try CrossEntropyLoss()(logits, targets))
    let sum = CombinedLoss(
      [
        .init(DiceLoss(), weight: .constant(0.25)), .init(CrossEntropyLoss(), weight: .linear(from: 0, to: 2, over: 4)),
      ], time: 1)
    let result = try sum(logits, targets)
    #expect(abs(result.value - (0.25 * dice.value + 0.5 * entropy.value)) < 1e-14)
    let wanted = zip(try #require(dice.gradient).floats, try #require(entropy.gradient).floats).map {
      0.25 * $0 + 0.5 * $1
    }
    #expect(try #require(result.gradient).distance(to: Tensor(logits.shape, wanted)) < 1e-8)

    var auxiliary = AuxiliaryLoss(CrossEntropyLoss(), auxiliaryWeights: [0.4])
    let other = batch(3, seed: 6).0
    let value = try auxiliary.evaluate([logits, other], targets)
    let second = try CrossEntropyLoss()(other, targets)
    #expect(value.values == [entropy.value, second.value])
    #expect(abs(value.value - (entropy.value + 0.4 * second.value)) < 1e-14)
    #expect(value.gradients.count == 2 && value.gradients[0] == entropy.gradient)
    let scaled = Tensor(other.shape, try #require(second.gradient).floats.map { Float(0.4 * Double($0)) })
    #expect(value.gradients[1] == scaled)
    auxiliary.terms[1].weight = .linear(from: 1, to: 0, over: 10)
    auxiliary.time = 10
    #expect(try auxiliary.evaluate([logits, other], targets, gradient: false).value == entropy.value)
    #expect(throws: LossError.outputsDiffer(outputs: 1, losses: 2)) { try auxiliary.evaluate([logits], targets) }
  }

  @Test func classWeightsFollowFromFrequencies() throws {
    var frequencies = ClassFrequencies(classes: 4)
    // Class 0: 6 + 3 pixels, class 1: 2, class 2: 1, class 3 none; 8 and 4 pixels count.
    try frequencies.add(LabelMap(width: 9, height: 1, labels: [0, 0, 0, 0, 0, 0, 1, 1, 255]))
    var other = ClassFrequencies(classes: 4)
    try other.add(LabelMap(width: 2, height: 2, labels: [0, 0, 0, 2]))
    frequencies.merge(other)
    #expect(frequencies.pixelCounts == [9, 2, 1, 0] && frequencies.presentPixelCounts == [12, 8, 4, 0])
    func expect(_ weighting: ClassFrequencies.Weighting, _ wanted: [Double]) {
      let isClose = zip(frequencies.weights(weighting), wanted).allSatisfy { abs($0 - $1) < 1e-12 }
      #expect(isClose, "\(weighting): \(frequencies.weights(weighting))")
    }
    expect(.inverseFrequency, [12.0 / 27, 12.0 / 6, 12.0 / 3, 0])
    // Frequencies 9/12, 2/8 and 1/4, whose median is 1/4.
    expect(.medianFrequency, [1.0 / 3, 1, 1, 0])
    let raw = [9.0, 2, 1].map { 0.1 / (1 - pow(0.9, $0)) }
    expect(.effectiveNumber(beta: 0.9), raw.map { $0 * 3 / raw.reduce(0, +) } + [0])
    expect(.inverseLogarithm(offset: 1.02), [9.0, 2, 1].map { 1 / log(1.02 + $0 / 12) } + [0])
    #expect(throws: MetricError.self) { try frequencies.add(LabelMap(width: 1, height: 1, repeating: 4)) }
  }

  @Test func whatDoesNotFitIsRefusedWithOneLine() throws {
    let (logits, targets) = batch(3)
    let entropy = CrossEntropyLoss()
    func message(_ loss: any SegmentationLoss, _ logits: Tensor, _ targets: [LabelMap]) -> String {
      do {
        _ = try loss(logits, targets)
        return ""
      } catch {
        return "\(error)"
      }
    }
    let small = [LabelMap](repeating: LabelMap(width: 4, height: 4), count: 2)
    var nan = logits
    nan[1, 2, 3, 1] = Float.nan
    var infinite = logits
    infinite[0, 0, 4, 2] = Float.infinity
    var unknown = targets
    unknown[1][2, 2] = 3
    for (name, _, loss) in everyLoss(channels: 3, reduction: .mean) {
      #expect(message(loss, nan, targets) == "logit [1, 2, 3, 1] is nan", "\(name)")
      #expect(message(loss, infinite, targets) == "logit [0, 0, 4, 2] is inf", "\(name)")
      #expect(message(loss, logits, small) == "the logits have 4×5 pixels, the target map 4×4", "\(name)")
      #expect(message(loss, logits, [targets[0]]) == "2 images, but 1 target maps", "\(name)")
      #expect(
        message(loss, logits, unknown) == "the target map holds label 3, outside the classes 0 to 2", "\(name)")
      #expect(message(loss, Tensor(zeros: [4, 5, 3]), targets).hasPrefix("logits must be float32 [batch,"), "\(name)")
      #expect(
        message(loss, Tensor(zeros: logits.shape, of: .int32), targets).hasPrefix("logits must be float32 [batch,"),
        "\(name)")
    }
    #expect(message(entropy, batch(1).0, targets).hasPrefix("a softmax loss needs two classes"))
    #expect(
      message(CrossEntropyLoss(classWeights: [1, 2]), logits, targets) == "2 class weights for 3 classes")
    #expect(message(FocalLoss(alpha: [1]), logits, targets) == "1 class weights for 3 classes")
    var options = OverlapOptions()
    options.classWeights = [1, 2, 3, 4]
    #expect(message(DiceLoss(options), logits, targets) == "4 class weights for 3 classes")
    #expect(
      message(HardExampleMining(CrossEntropyLoss(classWeights: [1])), logits, targets)
        == "1 class weights for 3 classes")
  }
}
