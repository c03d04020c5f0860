import SegEngine

/// How crops are chosen in training.
public struct CropSampling: Codable, Hashable, Sendable {
  /// The height and width of a crop in pixels.
  public var size: Int
  /// The share of crops that are centred on a pixel of a random class other than the background, where the image has one.
  public var foreground = 0.5
  /// The largest share of one class in a crop; `nil` for no limit. A crop beyond it is drawn anew, ten times at most.
  public var largestShare: Double?
  /// The least share of classes other than the background; `nil` for none. A crop below it is drawn anew, ten times at most.
  public var leastForeground: Double?
  /// The temperature T of rare-class sampling: an image is drawn among those of class c with probability proportional to
  /// exp((1 − fᶜ) / T), where fᶜ is the share of the class in all pixels (Hoyer et al. 2022). `nil` draws images evenly.
  public var rareClassTemperature: Double?

  /// Makes the sampling of crops of a size.
  public init(size: Int) { self.size = size }

  /// Explains what is not valid; `nil` if nothing is.
  var complaint: String? {
    if !(1...65536).contains(size) { return "a crop has 1 to 65536 pixels a side: \(size)" }
    for case let share? in [foreground, largestShare, leastForeground] where !(0...1).contains(share) {
      return "a share lies between 0 and 1: \(share)"
    }
    if let rareClassTemperature, !(rareClassTemperature > 0) { return "a temperature is positive" }
    return nil
  }
}
