import Foundation
import SegEngine

/// A learning-rate range test (Smith 2017): the loss while the rate grows from step to step.
public struct LearningRateRange: Sendable {
  /// A step's rate, and the mean of the losses so far, weighted towards the last ones.
  public struct Point: Sendable, Hashable {
    /// The learning rate.
    public let rate: Double
    /// The smoothed loss.
    public let loss: Double
  }

  /// The steps. They end where the loss is four times the smallest, or not finite.
  public let points: [Point]

  /// A tenth of the rate with the smallest loss, or the rate at which the loss falls fastest if that is smaller; `nil` if the loss never falls.
  public var suggestion: Double? {
    guard let first = points.first, let best = points.min(by: { $0.loss < $1.loss }), best.loss < first.loss else {
      return nil
    }
    let end = points.firstIndex(of: best)!
    let steepest = points[...end].indices.dropFirst().min {
      points[$0].loss - points[$0 - 1].loss < points[$1].loss - points[$1 - 1].loss
    }
    return min(best.rate / 10, steepest.map { points[$0].rate } ?? best.rate)
  }

  /// The share of the loss before in a smoothed loss.
  private static let smoothing = 0.9

  /// Runs steps with growing rates.
  ///
  /// - Parameters:
  ///   - rates: The smallest and the largest rate.
  ///   - count: The number of steps, at least 2.
  ///   - loss: Runs a step with a rate, and returns its loss; `nil` if it is not finite.
  init(_ rates: ClosedRange<Double>, count: Int, loss: (_ step: Int, _ rate: Double) throws -> Double?) rethrows {
    precondition(rates.lowerBound > 0 && count >= 2, "rates are positive, and there are two steps or more")
    let growth = pow(rates.upperBound / rates.lowerBound, 1 / Double(count - 1))
    var points: [Point] = []
    var (mean, smallest) = (0.0, Double.infinity)
    for step in 0..<count {
      let rate = rates.lowerBound * pow(growth, Double(step))
      guard let value = try loss(step, rate), value.isFinite else { break }
      mean = Self.smoothing * mean + (1 - Self.smoothing) * value
      let smoothed = mean / (1 - pow(Self.smoothing, Double(step + 1)))
      if smoothed > 4 * smallest { break }
      smallest = min(smallest, smoothed)
      points.append(Point(rate: rate, loss: smoothed))
    }
    self.points = points
  }
}

extension Trainer {
  /// Runs a learning-rate range test from the first weights, without changing anything.
  ///
  /// - Parameters:
  ///   - rates: The smallest and the largest rate.
  ///   - steps: The number of steps, at least 2.
  /// - Throws: The errors of training.
  public func learningRateRange(
    _ rates: ClosedRange<Double> = 1e-6...1, steps: Int = 100
  ) throws -> LearningRateRange {
    let step = try makeStep()
    var (state, _) = try makeState(step)
    let batches = BatchQueue(sampler, from: 0, to: steps)
    return try LearningRateRange(rates, count: steps) { number, rate in
      let (images, targets) = try batches.next(number)
      do throws(GraphError) {
        return try step.run(images, targets, &state, rate: rate).loss
      } catch .run {
        return nil
      }
    }
  }
}
