import SegEngine

/// What the values of a network's output map are, by what can be proven of them.
public enum OutputMeaning: String, Codable, Hashable, Sendable, CaseIterable {
  /// The label of each pixel, one channel.
  case labels
  /// The probability of foreground, one channel, or that of each class, of which the largest wins.
  case probabilities
  /// Logits: the sigmoid of the only one, or the softmax over several, gives probabilities.
  case logits
  /// One map whose least and largest value stand for 0 and 1.
  case saliency
  /// Several maps that do not exclude each other, each the logit or, where that is proven, the probability of a class of its own. A pixel
  /// has label 0 where none is above the threshold, else 1 + the channel of the largest.
  case multilabel
  /// The same, the values being probabilities whether that is proven or not.
  case multilabelProbabilities
}

/// An output map as its graph says it is read.
package struct OutputReading: Hashable, Sendable {
  /// What becomes of the elements before they have their meaning.
  package enum Scaling: Hashable, Sendable {
    case none
    /// They are divided by this number: probabilities of 8 bits, masks of 0 and 255.
    case divided(by: Double)
    /// They are logarithms of probabilities.
    case exponential
    /// They are logits of classes that do not exclude each other.
    case sigmoid
  }

  package let meaning: OutputMeaning
  package let scaling: Scaling
  /// Whether several channels are one distribution, so that they add up to 1.
  package let isDistribution: Bool
  /// Labels lie below this, where they are labels.
  package let labelCount: Int?
  /// What was taken for granted because nothing proves it; `nil` where it is proven, or makes no difference.
  package let assumption: String?

  /// Reads the meaning of a map off what is proven of it.
  ///
  /// - Parameters:
  ///   - properties: What is proven of the output.
  ///   - channels: How many channels it has.
  ///   - channelAxis: Which of its axes they are, where there is one.
  package init(_ properties: ValueProperties, channels: Int, channelAxis: Int?) {
    let range = properties.range
    var (scaling, isDistribution, labelCount, assumption) = (Scaling.none, false, Int?.none, String?.none)
    /// Numbers from 0 to a proven end that stands for 1.
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
        // Foreground drawn as 255, say: what matters is which of the two it is.
        (meaning, scaling) = (.probabilities, .divided(by: levels[1]))
      } else {
        meaning = .labels
        let isCounted = range.lowest >= 0 || properties.isInteger
        labelCount = isCounted && range.highest < 65535 ? Int(range.highest) + 1 : nil
      }
    } else if let axis = properties.unitSumAxis, channels > 1, axis == channelAxis {
      (meaning, isDistribution) = (.probabilities, true)
    } else if properties.isLogProbability {
      // Of several the largest wins as it stands, and the softmax of logarithms is the probabilities.
      (meaning, scaling) = channels == 1 ? (.probabilities, .exponential) : (.logits, .none)
    } else if isUnit() {
      meaning = .probabilities
      if channels > 1 {
        assumption =
          "its \(channels) channels do not add up to 1: the largest wins, however small it is; `multilabel` compares each with the threshold"
      }
    } else if properties.isInteger, channels == 1 {
      meaning = .labels
      assumption = "its whole numbers are taken for labels"
    } else if channels == 1 {
      if range.lowest >= 0 {
        meaning = .probabilities
        assumption = "its values, none of them negative, are taken for probabilities"
      } else {
        meaning = .logits
        assumption = "its values are taken for logits, foreground where the sigmoid is above the threshold"
      }
    } else {
      // Which class is the largest does not depend on it.
      meaning = .logits
    }
    self.scaling = scaling
    self.isDistribution = isDistribution
    self.labelCount = labelCount
    self.assumption = assumption
  }

  /// Rounding, and the last step of a quantised range, reach so far beyond 0 and 1.
  private static let slack = 0.02
}
