/// Several views of an image of which a network gives probabilities, and how they become one: multi-scale and flipped inference.
public struct TestTimeAugmentation: Hashable, Sendable {
  /// How the views' probabilities of a class become one.
  public enum Combination: String, Hashable, Sendable, CaseIterable {
    /// Their mean.
    case mean
    /// The largest of them, divided by the sum over the classes.
    case maximum
  }

  /// Factors of the network's input size.
  public var scales: [Double]
  /// Whether each view is also seen from left to right.
  public var flips: Bool
  /// How the views become one.
  public var combination: Combination

  /// Makes a set of views.
  ///
  /// - Precondition: there is a scale, and all are positive and finite.
  public init(scales: [Double] = [1], flips: Bool = false, combination: Combination = .mean) {
    precondition(!scales.isEmpty && scales.allSatisfy { $0 > 0 && $0.isFinite }, "scales \(scales)")
    self.scales = scales
    self.flips = flips
    self.combination = combination
  }

  /// The image as it is.
  public static let none = TestTimeAugmentation()
  /// Five scales from a half to one and a half, each also flipped, averaged.
  public static let multiScale = TestTimeAugmentation(scales: [0.5, 0.75, 1, 1.25, 1.5], flips: true)
}
