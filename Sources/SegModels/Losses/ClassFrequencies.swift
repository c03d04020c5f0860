import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Counts how often each class occurs in a data set, and derives class weights. A class that never occurs has weight 0.
public struct ClassFrequencies: Sendable, Hashable {
  /// Pixels of this label are not counted.
  public let ignoreLabel: UInt16?
  /// The number of pixels of each class.
  public private(set) var pixelCounts: [Int]
  /// For each class: the number of counted pixels in the images that contain the class.
  public private(set) var presentPixelCounts: [Int]

  /// Creates empty counts.
  public init(classes: Int, ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel) {
    self.ignoreLabel = ignoreLabel
    pixelCounts = Array(repeating: 0, count: classes)
    presentPixelCounts = pixelCounts
  }

  /// Adds the labels of an image.
  ///
  /// - Throws: ``MetricError`` if a label is neither a class nor the ignore label; the counts stay unchanged.
  public mutating func add(_ labels: LabelMap, on workers: WorkerPool = .shared) throws(MetricError) {
    var own = ConfusionMatrix(classes: pixelCounts.count, ignoreLabel: ignoreLabel)
    try own.add(prediction: labels, truth: labels, on: workers)
    add(pixelCounts: pixelCounts.indices.map(own.agreementCount))
  }

  /// Adds the number of pixels of each class in an image.
  ///
  /// - Precondition: There is a number for each class.
  public mutating func add(pixelCounts counts: [Int]) {
    precondition(counts.count == pixelCounts.count, "\(counts.count) counts of \(pixelCounts.count) classes")
    let total = counts.reduce(0, +)
    for (label, count) in counts.enumerated() {
      pixelCounts[label] += count
      if count > 0 { presentPixelCounts[label] += total }
    }
  }

  /// Adds the counts of another value.
  public mutating func merge(_ other: ClassFrequencies) {
    precondition(pixelCounts.count == other.pixelCounts.count, "both counts must have the same number of classes")
    for label in pixelCounts.indices {
      pixelCounts[label] += other.pixelCounts[label]
      presentPixelCounts[label] += other.presentPixelCounts[label]
    }
  }

  /// The formula that turns class frequencies into weights. nᶜ is the number of pixels of class c, N their sum.
  public enum Weighting: Sendable, Hashable {
    /// N / (C nᶜ), where C is the number of classes that occur. The mean weight over all pixels is 1.
    case inverseFrequency
    /// median(f) / fᶜ, where fᶜ is the share of class c in the pixels of the images that contain it (Eigen and Fergus
    /// 2015).
    case medianFrequency
    /// (1 − β) / (1 − β^nᶜ), scaled to a mean of 1 over the classes that occur (Cui et al. 2019).
    case effectiveNumber(beta: Double)
    /// 1 / log(offset + nᶜ / N). ENet uses the offset 1.02 (Paszke et al. 2016).
    case inverseLogarithm(offset: Double)
  }

  /// One weight per class, for the losses' `classWeights`.
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
      precondition(beta >= 0 && beta < 1, "β must be at least 0 and below 1")
      for label in present {
        // Computes 1 − β^n without cancellation.
        weights[label] = beta == 0 ? 1 : (1 - beta) / -expm1(Double(pixelCounts[label]) * log(beta))
      }
      let sum = weights.reduce(0, +)
      for label in present { weights[label] *= Double(present.count) / sum }
    case .inverseLogarithm(let offset):
      precondition(offset > 1, "the offset must exceed 1")
      for label in present { weights[label] = 1 / log(offset + Double(pixelCounts[label]) / total) }
    }
    return weights
  }
}
