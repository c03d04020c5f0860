import Foundation
import SegEngine
import SegIO
import Testing

@testable import SegTraining

/// Learning rates: the range test, and rates by layers.
@Suite struct LearningRateTests {
  /// Gradient descent on x² / 2 from 1 multiplies x by 1 − rate: the loss falls fastest at a rate of 1, and grows beyond 2.
  @Test func theRangeTestFindsTheRateOfAParabola() {
    var x = 1.0
    let range = LearningRateRange(1e-4...100, count: 200) { _, rate in
      defer { x *= 1 - rate }
      return 0.5 * x * x
    }
    #expect(range.points.first?.rate == 1e-4)
    // It ends where the loss explodes.
    #expect(range.points.count < 200 && range.points.last!.rate > 2)
    let suggestion = range.suggestion ?? 0
    #expect(suggestion > 0.01 && suggestion < 1)
    // A loss that only grows has no rate.
    #expect(LearningRateRange(1e-4...1, count: 20) { step, _ in Double(step + 1) }.suggestion == nil)
    #expect(LearningRateRange(1e-4...1, count: 20) { _, _ in nil }.points.isEmpty)
  }

  @Test func theRangeTestOfATrainingChangesNothing() throws {
    let set = try TemporarySet(4)
    var configuration = TrainingConfiguration(data: set.path)
    (configuration.widths, configuration.crops.size, configuration.batch) = ([8, 16], 24, 2)
    let range = try Trainer(configuration).learningRateRange(1e-5...10, steps: 40)
    let suggestion = range.suggestion ?? 0
    #expect(range.points.count > 20 && suggestion > 1e-5 && suggestion < 1)
  }

  /// With plain gradient descent a weight's first change is rate × factor × gradient.
  @Test func ratesFallTowardsTheImage() throws {
    let set = try TemporarySet(4)
    var configuration = TrainingConfiguration(data: set.path)
    (configuration.widths, configuration.crops.size, configuration.batch) = ([8, 16], 24, 2)
    (configuration.optimizer, configuration.momentum, configuration.decay) = (.sgd, 0, 0)
    configuration.clipping = nil
    func change(_ layerDecay: Double?) throws -> [String: [Double]] {
      configuration.layerDecay = layerDecay
      let trainer = try Trainer(configuration)
      let step = try trainer.makeStep()
      var (state, _) = try trainer.makeState(step)
      let before = state.parameters
      let (images, targets) = try trainer.sampler.batch(of: 0)
      try step.run(images, targets, &state, rate: 1)
      let after = state.parameters
      return before.tensors.filter { !$0.key.contains("running") && $0.value.elementType == .float32 }.mapValuesByName {
        zip(after[$0]!.elements(of: Float.self), $1.elements(of: Float.self)).map { Double($0) - Double($1) }
      }
    }
    let (same, layered) = (try change(nil), try change(0.5))
    // The first convolution is the first of n layers along the longest path, the head the last.
    let depths = try Trainer(configuration).network.classGraph(size: Extent2D(24)).layerDepths
    #expect(depths["outc.conv.weight"] == 1 && depths["inc.double_conv.0.weight"]! < 0.2)
    #expect(depths["inc.double_conv.0.weight"]! < depths["down1.maxpool_conv.1.double_conv.0.weight"]!)
    for (name, own) in same {
      let factor = pow(0.5, 12 * (1 - depths[name]!))
      let largest = own.map(abs).max() ?? 0
      for (a, b) in zip(own, layered[name]!) {
        // Weights near 1 are rounded to 6e-8 before and after.
        #expect(abs(b - factor * a) <= 1e-5 * factor * largest + 2.4e-7, "\(name): \(a) × \(factor) is not \(b)")
      }
    }
  }
}

extension Dictionary where Key == String {
  fileprivate func mapValuesByName<Result>(_ transform: (String, Value) -> Result) -> [String: Result] {
    [String: Result](uniqueKeysWithValues: map { ($0.key, transform($0.key, $0.value)) })
  }
}
