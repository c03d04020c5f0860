/// Fits the coefficients of a ``LatencyModel`` to timed steps, by non-negative least squares.
///
/// The fit minimises relative errors: each equation is divided by the geometric mean of the measured and the fitted
/// time, so that over- and underestimates weigh alike. Outliers, such as disturbed timings, are weighted down (Huber
/// 1964). Coefficients are not negative. The fit of each kind is regularised towards the fit of all kinds, which
/// determines what the samples of a kind leave open.
struct LatencyFit {
  /// One timed step.
  struct Sample: Sendable {
    let demand: StepDemand
    let seconds: Double
  }

  /// A kind with fewer samples uses the coefficients of all kinds, scaled by one factor.
  static let fewestSamples = 8
  /// The weight of the regularisation towards the fit of all kinds, relative to one sample's equation.
  private static let priorWeight = 0.02
  /// The relative error above which a sample is weighted down.
  private static let outlier = 0.25
  private static let rounds = 8

  /// Fits the model of all kinds.
  static func model(_ samples: [Sample], threads: Int) -> LatencyModel {
    let none = [Double](repeating: 0, count: StepDemand.featureNames.count)
    let usable = samples.filter { $0.seconds > 0 && $0.seconds.isFinite }
    let all = coefficients(usable, prior: nil) ?? none
    var coefficients: [String: [Double]] = [:]
    for (kind, samples) in Dictionary(grouping: usable, by: \.demand.kind) {
      if samples.count >= fewestSamples, let own = self.coefficients(samples, prior: all) {
        coefficients[kind] = own
      } else {
        let ratios = samples.map { $0.seconds / max(seconds(all, $0.demand), 1e-12) }.sorted()
        coefficients[kind] = all.map { $0 * ratios[ratios.count / 2] }
      }
    }
    return LatencyModel(threads: threads, coefficients: coefficients, fallback: all)
  }

  private static func seconds(_ coefficients: [Double], _ demand: StepDemand) -> Double {
    zip(coefficients, demand.features).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The coefficients that fit the samples best; `nil` if there are no samples.
  static func coefficients(_ samples: [Sample], prior: [Double]?) -> [Double]? {
    guard !samples.isEmpty else { return nil }
    var weights = [Double](repeating: 1, count: samples.count)
    var divisors = samples.map(\.seconds)
    var result: [Double]?
    for _ in 0..<rounds {
      guard let fitted = nonNegative(samples, divisors, weights, prior: prior) else { return result }
      result = fitted
      for (index, sample) in samples.enumerated() {
        let estimate = max(seconds(fitted, sample.demand), 0.05 * sample.seconds)
        divisors[index] = (estimate * sample.seconds).squareRoot()
        weights[index] = min(1, outlier / max(abs(estimate - sample.seconds) / divisors[index], 1e-9)).squareRoot()
      }
    }
    return result
  }

  /// Weighted non-negative least squares over the features that are not zero in all samples.
  private static func nonNegative(
    _ samples: [Sample], _ divisors: [Double], _ weights: [Double], prior: [Double]?
  ) -> [Double]? {
    var rows = zip(zip(samples, divisors), weights).map { pair, weight in
      pair.0.demand.features.map { weight * $0 / pair.1 }
    }
    var targets = zip(zip(samples, divisors), weights).map { $1 * $0.0.seconds / $0.1 }
    let weight = priorWeight * Double(samples.count).squareRoot()
    for feature in StepDemand.featureNames.indices {
      // The regularisation is scaled by the largest value of each feature.
      let scale = zip(samples, divisors).reduce(0) { max($0, $1.0.demand.features[feature] / $1.1) }
      guard scale > 0 else { continue }
      var row = [Double](repeating: 0, count: StepDemand.featureNames.count)
      row[feature] = (prior == nil ? 1e-6 : weight) * scale
      rows.append(row)
      targets.append(prior.map { weight * $0[feature] * scale } ?? 0)
    }
    return LinearAlgebra.nonNegativeLeastSquares(rows, targets)
  }
}
