import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How often classes occur in a data set, and the class weights that follow from it. Classes that never occur weigh 0.
public struct ClassFrequencies: Sendable, Hashable {
  /// Truth that is not counted.
  public let ignoreLabel: UInt16?
  /// Pixels of each class.
  public private(set) var pixelCounts: [Int]
  /// Pixels that count in the images in which a class occurs, by class.
  public private(set) var presentPixelCounts: [Int]

  /// Makes counts of no images.
  public init(classes: Int, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel) {
    self.ignoreLabel = ignoreLabel
    pixelCounts = Array(repeating: 0, count: classes)
    presentPixelCounts = pixelCounts
  }

  /// Adds the labels of an image.
  ///
  /// - Throws: ``MetricError`` where a label is no class; the counts are left as they were.
  public mutating func add(_ labels: LabelMap, on workers: WorkerPool = .shared) throws(MetricError) {
    var own = ConfusionMatrix(classes: pixelCounts.count, ignoreLabel: ignoreLabel)
    try own.add(prediction: labels, truth: labels, on: workers)
    let total = own.pixelCount
    for label in pixelCounts.indices {
      let count = own.agreementCount(label)
      pixelCounts[label] += count
      if count > 0 { presentPixelCounts[label] += total }
    }
  }

  /// Adds what another has counted.
  public mutating func merge(_ other: ClassFrequencies) {
    precondition(pixelCounts.count == other.pixelCounts.count, "counts of different classes")
    for label in pixelCounts.indices {
      pixelCounts[label] += other.pixelCounts[label]
      presentPixelCounts[label] += other.presentPixelCounts[label]
    }
  }

  /// How a weight follows from a frequency.
  public enum Weighting: Sendable, Hashable {
    /// N / (C nᶜ) with C classes that occur: the mean over all pixels is 1.
    case inverseFrequency
    /// median(f) / fᶜ with fᶜ the class's share of the pixels of the images in which it occurs (Eigen and Fergus 2015).
    case medianFrequency
    /// (1 − β) / (1 − β^nᶜ), scaled to a mean of 1 over the classes that occur (Cui et al. 2019).
    case effectiveNumber(beta: Double)
    /// 1 / log(offset + nᶜ / N), for which ENet takes 1.02 (Paszke et al. 2016).
    case inverseLogarithm(offset: Double)
  }

  /// The weights of the classes, for losses to use.
  public func weights(_ weighting: Weighting) -> [Double] {
    let total = Double(pixelCounts.reduce(0, +))
    let present = pixelCounts.indices.filter { pixelCounts[$0] > 0 }
    var weights = [Double](repeating: 0, count: pixelCounts.count)
    switch weighting {
    case .inverseFrequency:
      for label in present { weights[label] = total / (Double(present.count) * Double(pixelCounts[label])) }
    case .medianFrequency:
      let frequencies = present.map { Double(pixelCounts[$0]) / Double(presentPixelCounts[$0]) }
      let median = frequencies.median
      for (label, frequency) in zip(present, frequencies) { weights[label] = median / frequency }
    case .effectiveNumber(let beta):
      precondition(beta >= 0 && beta < 1, "β is at least 0 and below 1")
      for label in present {
        // 1 − β^n without cancellation.
        weights[label] = beta == 0 ? 1 : (1 - beta) / -expm1(Double(pixelCounts[label]) * log(beta))
      }
      let sum = weights.reduce(0, +)
      for label in present { weights[label] *= Double(present.count) / sum }
    case .inverseLogarithm(let offset):
      precondition(offset > 1, "the offset exceeds 1")
      for label in present { weights[label] = 1 / log(offset + Double(pixelCounts[label]) / total) }
    }
    return weights
  }
}
