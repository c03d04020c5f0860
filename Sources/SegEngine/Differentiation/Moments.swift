/// The mean and the squared deviations of numbers that come in parts, joined in Double by the formula of Chan, Golub and LeVeque (1983), so
/// that large means cost no digits.
struct Moments {
  /// The count of numbers so far.
  private(set) var count = 0.0
  /// Their mean.
  private(set) var mean = 0.0
  /// The sum of their squared deviations from the mean.
  private(set) var deviations = 0.0

  /// The variance of the population.
  var variance: Double { deviations / count }

  /// Adds a part by its count, mean and squared deviations.
  mutating func add(count added: Double, mean partMean: Float, deviations partDeviations: Float) {
    let difference = Double(partMean) - mean
    count += added
    mean += difference * added / count
    deviations += Double(partDeviations) + difference * difference * added * (count - added) / count
  }
}
