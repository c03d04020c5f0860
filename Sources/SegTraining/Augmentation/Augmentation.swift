import SegEngine

/// Random changes of images and masks in training, each with its probability.
///
/// Geometry changes image and mask together: flips, quarter turns, scale, rotation and elastic deformation become one map of
/// coordinates, and an image is read once. Intensities are changed in the network's own units, after mean and deviation.
public struct Augmentation: Codable, Hashable, Sendable {
  /// The probability of a reflection of left and right.
  public var horizontalFlip = 0.5
  /// The probability of a reflection of top and bottom.
  public var verticalFlip = 0.0
  /// The probability of a turn by 90°, 180° or 270°.
  public var quarterTurn = 0.0
  /// A change of scale.
  public var scaling: Scaling?
  /// A rotation about the middle of the crop.
  public var rotation: Rotation?
  /// A smooth random displacement (Ronneberger et al. 2015).
  public var elastic: Elastic?
  /// A change of contrast and brightness.
  public var intensity: Intensity?
  /// A change of the channels in proportion to each other.
  public var channelGains: ChannelGains?
  /// A power of the intensities between the crop's smallest and largest.
  public var gamma: Gamma?
  /// Normal noise.
  public var noise: Noise?
  /// A Gaussian blur.
  public var blur: Blur?
  /// Rectangles that are set to zero, the mean (DeVries and Taylor 2017). Their labels stay.
  public var cutout: Cutout?
  /// The probability of a mosaic of four crops (Bochkovskiy et al. 2020).
  public var mosaic = 0.0

  /// Makes an augmentation by reflections of left and right alone.
  public init() {}

  /// No change.
  public static var none: Augmentation {
    var result = Augmentation()
    result.horizontalFlip = 0
    return result
  }

  /// For images without an up and down, such as micrographs and pictures from above: reflections, quarter turns, contrast 0.75 to 1.25,
  /// brightness ± 0.2 deviations.
  public static var anyOrientation: Augmentation {
    var result = Augmentation()
    result.verticalFlip = 0.5
    result.quarterTurn = 0.75
    result.intensity = Intensity()
    return result
  }

  /// For photographs: reflections of left and right, scales 0.5 to 1.5 in five steps, contrast, brightness and colour.
  public static var photographs: Augmentation {
    var result = Augmentation()
    result.scaling = Scaling()
    result.intensity = Intensity()
    result.channelGains = ChannelGains()
    return result
  }

  /// A change of scale by one of some factors.
  public struct Scaling: Codable, Hashable, Sendable {
    /// The probability.
    public var probability = 1.0
    /// The factors, of which one is drawn.
    public var factors = [0.5, 0.75, 1, 1.25, 1.5]
    /// Makes the usual factors.
    public init() {}
  }

  /// A rotation by an angle drawn evenly.
  public struct Rotation: Codable, Hashable, Sendable {
    /// The probability.
    public var probability = 0.5
    /// The largest angle in degrees, in either direction.
    public var degrees = 15.0
    /// Makes a rotation by at most 15°.
    public init() {}
  }

  /// Displacements drawn on a grid and interpolated by cubic B-splines.
  public struct Elastic: Codable, Hashable, Sendable {
    /// The probability.
    public var probability = 0.5
    /// The deviation of a displacement in pixels.
    public var deviation = 8.0
    /// The distance of the points of the grid in pixels.
    public var spacing = 32
    /// Makes a deformation by 8 pixels on a grid of 32.
    public init() {}
  }

  /// A factor and a summand for all channels.
  public struct Intensity: Codable, Hashable, Sendable {
    /// The probability.
    public var probability = 1.0
    /// The factor lies between 1 − contrast and 1 + contrast.
    public var contrast = 0.25
    /// The summand lies between −brightness and brightness, in deviations of the set.
    public var brightness = 0.2
    /// Makes a change of contrast by a quarter and of brightness by 0.2.
    public init() {}
  }

  /// A factor for each channel.
  public struct ChannelGains: Codable, Hashable, Sendable {
    /// The probability.
    public var probability = 0.5
    /// A factor lies between 1 − range and 1 + range.
    public var range = 0.1
    /// Makes factors of 0.9 to 1.1.
    public init() {}
  }

  /// An exponent drawn evenly in its logarithm.
  public struct Gamma: Codable, Hashable, Sendable {
    /// The probability.
    public var probability = 0.3
    /// The exponent lies between 1 / range and range.
    public var range = 1.5
    /// Makes exponents of 2/3 to 1.5.
    public init() {}
  }

  /// Noise of a deviation drawn evenly.
  public struct Noise: Codable, Hashable, Sendable {
    /// The probability.
    public var probability = 0.15
    /// The largest deviation, in deviations of the set.
    public var deviation = 0.1
    /// Makes noise of at most 0.1.
    public init() {}
  }

  /// A blur of a deviation drawn evenly.
  public struct Blur: Codable, Hashable, Sendable {
    /// The probability.
    public var probability = 0.2
    /// The smallest deviation in pixels.
    public var smallest = 0.5
    /// The largest deviation in pixels.
    public var largest = 1.0
    /// Makes a blur of 0.5 to 1 pixels.
    public init() {}
  }

  /// Squares at random places.
  public struct Cutout: Codable, Hashable, Sendable {
    /// The probability.
    public var probability = 0.5
    /// The number of squares.
    public var count = 1
    /// The side of a square in proportion to the crop's.
    public var side = 0.25
    /// Makes one square of a quarter of the crop's side.
    public init() {}
  }

  /// Explains what is not valid; `nil` if nothing is.
  var complaint: String? {
    let probabilities: [(String, Double?)] = [
      ("horizontalFlip", horizontalFlip), ("verticalFlip", verticalFlip), ("quarterTurn", quarterTurn),
      ("mosaic", mosaic),
      ("scaling", scaling?.probability), ("rotation", rotation?.probability), ("elastic", elastic?.probability),
      ("intensity", intensity?.probability), ("channelGains", channelGains?.probability), ("gamma", gamma?.probability),
      ("noise", noise?.probability), ("blur", blur?.probability), ("cutout", cutout?.probability),
    ]
    for case (let name, let probability?) in probabilities where !(0...1).contains(probability) {
      return "the probability of \(name) lies between 0 and 1: \(probability)"
    }
    if let factors = scaling?.factors, factors.isEmpty || !factors.allSatisfy({ $0 >= 0.05 && $0 <= 20 }) {
      return "scales lie between 0.05 and 20: \(factors)"
    }
    if let elastic, !(elastic.spacing >= 4 && elastic.deviation >= 0 && elastic.deviation.isFinite) {
      return "an elastic deformation has a grid of at least 4 pixels and a deviation that is not negative"
    }
    if let gamma, !(gamma.range >= 1 && gamma.range <= 10) { return "the range of gamma lies between 1 and 10" }
    if let blur, !(blur.smallest > 0 && blur.largest >= blur.smallest && blur.largest <= 50) {
      return "the deviations of a blur are positive and at most 50"
    }
    if let cutout, !(cutout.count >= 0 && (0...1).contains(cutout.side)) {
      return "the side of a cut-out lies between 0 and 1"
    }
    let amounts = [
      rotation?.degrees, intensity?.contrast, intensity?.brightness, channelGains?.range, noise?.deviation,
    ]
    for case let amount? in amounts where !(amount >= 0 && amount.isFinite) {
      return "amounts of augmentations are not negative: \(amount)"
    }
    return nil
  }
}
