/// Test-time augmentation: multi-scale and flipped views of an image, and how their probabilities are combined.
public struct TestTimeAugmentation: Hashable, Sendable {
  /// How the probabilities of the views are combined.
  public enum Combination: String, Hashable, Sendable, CaseIterable {
    /// The mean.
    case mean
    /// The maximum of each class, divided by the sum over the classes.
    case maximum
  }

  /// The scale factors of the network's input size.
  public var scales: [Double]
  /// Whether each view is also flipped horizontally.
  public var flips: Bool
  /// How the views are combined.
  public var combination: Combination

  /// Creates a set of views.
  ///
  /// - Precondition: There is at least one scale, and all are positive and finite.
  public init(scales: [Double] = [1], flips: Bool = false, combination: Combination = .mean) {
    precondition(!scales.isEmpty && scales.allSatisfy { $0 > 0 && $0.isFinite }, "scales \(scales)")
    self.scales = scales
    self.flips = flips
    self.combination = combination
  }

  /// One view: the image itself.
  public static let none = TestTimeAugmentation()
  /// Five scales from 0.5 to 1.5, each also flipped, averaged.
  public static let multiScale = TestTimeAugmentation(scales: [0.5, 0.75, 1, 1.25, 1.5], flips: true)
}
