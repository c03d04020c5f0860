import TestSupport
import Testing

@testable import SegEngine
@testable import SegModels

/// Losses as operators of graphs.
@Suite struct LossOperatorTests {
  /// Every loss, with the number of classes of its logits.
  private static let losses: [(name: String, classes: Int, loss: any SegmentationLoss)] = [
    ("cross entropy", 4, CrossEntropyLoss()),
    ("weighted cross entropy", 4, CrossEntropyLoss(classWeights: [1, 2, 0.5, 3], labelSmoothing: 0.1)),
    ("sum of cross entropy", 4, CrossEntropyLoss(reduction: .sum)),
    ("binary cross entropy", 1, BinaryCrossEntropyLoss()), ("focal", 4, FocalLoss(gamma: 2)),
    ("binary focal", 1, BinaryFocalLoss(gamma: 2)), ("Dice", 4, DiceLoss()), ("Jaccard", 4, JaccardLoss()),
    ("Tversky", 4, TverskyLoss(alpha: 0.3, beta: 0.7)), ("Lovász", 4, LovaszSoftmaxLoss()),
    ("boundary", 4, BoundaryLoss()),
    ("hardest", 4, HardExampleMining(CrossEntropyLoss(), probabilityThreshold: 0.7, minimum: .pixels(10))),
    ("combined", 4, CombinedLoss([.init(CrossEntropyLoss()), .init(DiceLoss(), weight: .constant(0.5))])),
    ("rebalanced", 4, CombinedLoss.rebalanced(region: DiceLoss())),
  ]

  /// The value and the gradient of a graph are those of `evaluate`; factors of the loss are factors of the gradient.
  @Test(arguments: [1, 3]) func graphsAgreeWithEvaluation(threads: Int) throws {
    let workers = WorkerPool(threads: threads)
    for (name, classes, loss) in Self.losses {
      let logits = Tensor.random([2, 7, 6, classes], in: -2...2, seed: 4)
      let maps = (0..<2).map { LabelMap.random(width: 6, height: 7, classes: UInt16(max(2, classes)), seed: $0) }
      let expected = try loss.evaluate(logits, maps, gradient: true, on: workers)
      let gradient = try #require(expected.gradient)
      for factor: Float in [1, 0.25] {
        let graph = try Graph("loss") { builder in
          let x = builder.input("x", logits.shape)
          let targets = builder.input("targets", [2, 7, 6], of: .uint16)
          let value = builder.add(LossOperator(loss), named: "loss", to: [x, targets], outputCount: 2)[0]
          let total = factor == 1 ? value : value * factor
          builder.output("loss", total)
          try builder.addGradients(of: total, withRespectTo: [x]) { builder.output("gradient", $1) }
        }
        let results = try graph.compiled(on: OpenBLASBackend(workers: workers)).run([
          "x": logits, "targets": Tensor([2, 7, 6], maps.flatMap(\.labels)),
        ])
        #expect(results["loss"] == Tensor([1], [Float(expected.value) * factor]), "\(name)")
        let wanted = gradient.elements(of: Float.self).map { $0 * factor }
        #expect(results["gradient"] == Tensor(logits.shape, wanted), "\(name)")
      }
    }
  }

  /// Losses that add operators of their own: value and gradient are those of `evaluate`, which computes in Double, to float32's rounding.
  @Test(arguments: [1, 3]) func ownOperatorsAgreeWithEvaluation(threads: Int) throws {
    let workers = WorkerPool(threads: threads)
    var cases = Self.losses
    for (weights, smoothing) in [(nil, 0), (nil, 0.2), ([1, 2, 0.5, 3], 0), ([1, 2, 0.5, 3], 0.2)]
      as [([Double]?, Double)]
    {
      for reduction in [LossReduction.mean, .sum] {
        let loss = CrossEntropyLoss(classWeights: weights, labelSmoothing: smoothing, reduction: reduction)
        cases.append(("cross entropy \(weights ?? []) \(smoothing) \(reduction)", 4, loss))
      }
    }
    for (name, classes, loss) in cases {
      for kind in 0..<3 {
        let logits = Tensor.random([2, 37, 26, classes], in: -8...8, seed: 4)
        var maps = (0..<2).map {
          LabelMap.random(width: 26, height: 37, classes: UInt16(max(2, classes)), seed: 4 * $0)
        }
        // Some pixels are ignored, then all of them.
        for index in maps[0].labels.indices where kind == 2 || kind == 1 && index % 3 == 0 {
          maps[0].labels[index] = LabelMap.defaultIgnoreLabel
          if kind == 2 { maps[1].labels[index] = LabelMap.defaultIgnoreLabel }
        }
        let expected = try loss.evaluate(logits, maps, gradient: true, on: workers)
        let graph = try Graph("loss") { builder in
          let x = builder.input("x", logits.shape)
          let targets = builder.input("targets", [2, 37, 26], of: .uint16)
          var time: Value?
          let operands = LossOperands(logits: x, targets: targets, named: "loss") {
            let input = time ?? builder.input("time", [1])
            time = input
            return input
          }
          let value = operands.value(of: loss)
          builder.output("loss", value)
          try builder.addGradients(of: value, withRespectTo: [x]) { builder.output("gradient", $1) }
        }
        let model = try graph.compiled(on: OpenBLASBackend(workers: workers))
        var inputs = ["x": logits, "targets": Tensor([2, 37, 26], maps.flatMap(\.labels))]
        if model.inputs.contains(where: { $0.name == "time" }) { inputs["time"] = Tensor([1], [Float(0)]) }
        let results = try model.run(inputs)
        let value = Double(results["loss"]!.elements(of: Float.self)[0])
        #expect(abs(value - expected.value) <= 2e-6 * max(1, abs(expected.value)), "\(name) \(kind)")
        let wanted = NaiveTensor(try #require(expected.gradient))
        let largest = wanted.values.reduce(0) { max($0, abs($1)) }
        let problem = mismatch(results["gradient"]!, wanted, Tolerance(absolute: 2e-6 * largest))
        #expect(problem == nil, "\(name) \(kind)")
      }
    }
  }

  /// The gradient of a head's weights behind each loss, against differences of the loss in Double.
  @Test func gradientsPassThroughAHead() throws {
    for (name, classes, loss) in Self.losses where name != "hardest" && name != "Lovász" {
      let x = Tensor.random([2, 4, 3, 5], seed: 6)
      let maps = (0..<2).map { LabelMap.random(width: 6, height: 8, classes: UInt16(max(2, classes)), seed: 3 + $0) }
      let targets = Tensor([2, 8, 6], maps.flatMap(\.labels))
      let graph = try Graph("head") { builder in
        let input = builder.input("x", x.shape)
        let weight = builder.input("weight", [classes, 5, 1, 1])
        let logits = input.apply(Convolution(.init(kernel: 1)), named: "head", with: [weight]).resize(by: 2)
        let value = builder.add(
          LossOperator(loss), named: "loss", to: [logits, builder.input("targets", [2, 8, 6], of: .uint16)],
          outputCount: 2)[0]
        builder.output("logits", logits)
        builder.output("loss", value)
        try builder.addGradients(of: value, withRespectTo: [weight]) { builder.output("gradient", $1) }
      }
      let model = try graph.compiled(on: ReferenceBackend(workers: WorkerPool(threads: 1)))
      let start = Tensor.random([classes, 5, 1, 1], seed: 7)
      func run(_ weight: Tensor) throws -> [String: Tensor] {
        try model.run(["x": x, "weight": weight, "targets": targets])
      }
      let gradient = try run(start)["gradient"]!.elements(of: Float.self).map(Double.init)
      let largest = gradient.map(abs).max()!
      for index in gradient.indices {
        let h: Float = 1e-3
        func value(_ by: Float) throws -> Double {
          var elements = start.elements(of: Float.self)
          elements[index] += by
          let logits = try run(Tensor(start.shape, elements))["logits"]!
          return try loss.evaluate(logits, maps, gradient: false, on: .shared).value
        }
        let difference = (try value(h) - value(-h)) / Double(2 * h)
        // Logits of size 1 are rounded to 6e-8, each on its own: less than 1e-3 of h over 96 pixels.
        #expect(abs(gradient[index] - difference) <= 1e-3 * largest, "\(name) \(index)")
      }
    }
  }

  @Test func shapesThatDoNotFitAreErrors() {
    let loss = LossOperator(CrossEntropyLoss())
    #expect(shapeError(loss, [TensorSpec([1, 3, 4, 2]), TensorSpec([1, 3, 4], .uint16)]) == nil)
    #expect(shapeError(loss, [TensorSpec([1, 3, 4, 2]), TensorSpec([1, 3, 5], .uint16)]) != nil)
    #expect(shapeError(loss, [TensorSpec([1, 3, 4, 2]), TensorSpec([1, 3, 4])]) != nil)
    #expect(shapeError(loss, [TensorSpec([3, 4, 2]), TensorSpec([3, 4], .uint16)]) != nil)
    #expect(shapeError(loss, [TensorSpec([1, 3, 4, 2])]) != nil)
  }
}
