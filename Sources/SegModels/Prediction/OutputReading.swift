import SegEngine

/// How an output map is to be read, according to its graph.
package struct OutputReading: Hashable, Sendable {
  /// The transformation from elements to values with the given meaning.
  package enum Scaling: Hashable, Sendable {
    case none
    /// Division by this number, for 8-bit probabilities and masks with values 0 and 255.
    case divided(by: Double)
    /// Exponential, for log-probabilities.
    case exponential
    /// Sigmoid, for logits of independent classes.
    case sigmoid
  }

  package let meaning: OutputMeaning
  package let scaling: Scaling
  /// Whether the channels form one distribution, with sum 1.
  package let isDistribution: Bool
  /// One more than the largest possible label, if the output is labels and the bound is known.
  package let labelCount: Int?
  /// An assumption that was made without proof; `nil` if the meaning is proven, or the assumption makes no difference.
  package let assumption: String?

  /// Derives the meaning of an output map from its proven properties.
  ///
  /// - Parameters:
  ///   - properties: The proven properties of the output.
  ///   - channels: The number of channels.
  ///   - channelAxis: The axis of the channels, if there is one.
  package init(_ properties: ValueProperties, channels: Int, channelAxis: Int?) {
    let range = properties.range
    var (scaling, isDistribution, labelCount, assumption) = (Scaling.none, false, Int?.none, String?.none)
    /// Whether the range is proven to be 0 to 1, or 0 to 255, which is scaled to 0 to 1.
    func isUnit() -> Bool {
      if range.isWithin(.unit, slack: OutputReading.slack) { return true }
      if range.lowest >= 0, (range.highest - 255).magnitude < 0.5 {
        scaling = .divided(by: 255)
        return true
      }
      return false
    }
    if properties.isCategorical, channels == 1 {
      if let levels = properties.levels, levels.count == 2, levels[0] == 0, levels[1] != 1 {
        // A binary mask with values such as 0 and 255: scale the foreground to 1.
        (meaning, scaling) = (.probabilities, .divided(by: levels[1]))
      } else {
        meaning = .labels
        let isCounted = range.lowest >= 0 || properties.isInteger
        labelCount = isCounted && range.highest < 65535 ? Int(range.highest) + 1 : nil
      }
    } else if let axis = properties.unitSumAxis, channels > 1, axis == channelAxis {
      (meaning, isDistribution) = (.probabilities, true)
    } else if properties.isLogProbability {
      // For several channels the argmax is unchanged, and the softmax of log-probabilities is the probabilities.
      (meaning, scaling) = channels == 1 ? (.probabilities, .exponential) : (.logits, .none)
    } else if isUnit() {
      meaning = .probabilities
      if channels > 1 {
        assumption =
          "its \(channels) channels do not sum to 1: the largest wins, even if small; `multilabel` compares each with the threshold"
      }
    } else if properties.isInteger, channels == 1 {
      meaning = .labels
      assumption = "its integers are assumed to be labels"
    } else if channels == 1 {
      if range.lowest >= 0 {
        meaning = .probabilities
        assumption = "its non-negative values are assumed to be probabilities"
      } else {
        meaning = .logits
        assumption = "its values are assumed to be logits, foreground where the sigmoid exceeds the threshold"
      }
    } else {
      // The argmax does not depend on whether these are logits.
      meaning = .logits
    }
    self.scaling = scaling
    self.isDistribution = isDistribution
    self.labelCount = labelCount
    self.assumption = assumption
  }

  /// The tolerance beyond 0 and 1, for rounding and the last step of a quantised range.
  private static let slack = 0.02
}
