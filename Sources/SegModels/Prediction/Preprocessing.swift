import SegEngine

/// The preprocessing of an image for a network. It belongs to the weights: use the preprocessing of the training.
public struct Preprocessing: Hashable, Sendable {
  /// The channels of the network's input.
  public enum Channels: Hashable, Sendable {
    /// One channel: (19595 R + 38470 G + 7471 B) / 65536, the luma of ITU-R BT.601.
    case grey
    case rgb
    case bgr
    /// The first samples of each pixel in storage order, such as the bands of a satellite image, or RGBA with 4. An
    /// image with fewer samples is an error.
    case bands(Int)

    /// The channels named `grey`, `rgb`, `bgr` or `bands` in settings, where bands has `count` channels; `nil` for
    /// another name.
    public init?(named name: String, count: Int) {
      switch name {
      case "grey": self = .grey
      case "rgb": self = .rgb
      case "bgr": self = .bgr
      case "bands" where count > 0: self = .bands(count)
      default: return nil
      }
    }

    /// The number of channels.
    public var count: Int {
      switch self {
      case .grey: 1
      case .rgb, .bgr: 3
      case .bands(let count): count
      }
    }
  }

  /// How an image is brought to the network's input size.
  public enum Fit: Hashable, Sendable {
    /// The size is kept; the right and bottom are padded to multiples of a number.
    case keep(multipleOf: Int)
    /// The size is kept; the right and bottom are padded to a size, which must not be smaller than the image.
    case pad(Extent2D)
    /// The image is resized by a factor, and padded at the right and bottom to multiples of a number.
    case scale(Double, multipleOf: Int)
    /// The image is stretched to the size; the aspect ratio may change.
    case stretch(Extent2D)
    /// The image is resized to fit within the size with its aspect ratio kept, and centred between padding.
    case letterbox(Extent2D)
  }

  /// How samples are scaled: the value that becomes 1.
  public enum Range: Hashable, Sendable {
    /// White becomes 1: 255, 65535 for 16-bit samples, 1 for floating-point samples (`Image.white`).
    case white
    /// The largest value in the image becomes 1.
    case imageMaximum
    /// The 0.1st percentile of the image's samples becomes 0, the 99.9th becomes 1, and what lies beyond is clipped. For images whose exposure
    /// is arbitrary, such as micrographs.
    case percentiles
    /// No scaling: samples stay in the 8-bit range, with white as 255.
    case unscaled

    /// Whether the values of a whole image decide the scaling.
    package var dependsOnImage: Bool { self == .imageMaximum || self == .percentiles }
  }

  /// The channels of the network's input.
  public var channels: Channels
  /// How an image is brought to the network's input size.
  public var fit: Fit
  /// How samples are scaled.
  public var range: Range
  /// The mean, subtracted from each channel after scaling by ``range-swift.property``.
  public var mean: [Float]
  /// The deviation that each channel is then divided by.
  public var deviation: [Float]
  /// The value of the padding before mean and deviation, in the scale of ``range-swift.property``.
  public var fill: Float
  /// The filter that resizes the image.
  public var resampling: Resampling = .antialiased
  /// The element type of the network's input. Values are rounded to the nearest integer for integer types.
  public var elementType: ElementType = .float32

  /// Creates a preprocessing. The values are validated when an image is prepared, because they may come from a file.
  public init(
    channels: Channels = .rgb, fit: Fit, range: Range = .white, mean: [Float] = [0], deviation: [Float] = [1],
    fill: Float = 0
  ) {
    self.channels = channels
    self.fit = fit
    self.range = range
    self.mean = mean
    self.deviation = deviation
    self.fill = fill
  }

  /// Throws if the preprocessing is invalid.
  ///
  /// - Throws: ``PredictionError/preprocessing(_:)``.
  public func validate() throws(PredictionError) {
    func require(_ holds: Bool, _ complaint: @autoclosure () -> String) throws(PredictionError) {
      if !holds { throw .preprocessing(complaint()) }
    }
    let count = channels.count
    try require(count > 0, "the number of channels must be positive, not \(count)")
    try require([1, count].contains(mean.count), "\(mean.count) means for \(count) channels")
    try require([1, count].contains(deviation.count), "\(deviation.count) deviations for \(count) channels")
    switch fit {
    case .keep(let multiple): try require(multiple > 0, "the padding multiple must be positive, not \(multiple)")
    case .scale(let factor, let multiple):
      try require(
        multiple > 0 && factor > 0 && factor.isFinite,
        "the scale \(factor) and the padding multiple \(multiple) must be positive and finite")
    case .pad(let size), .stretch(let size), .letterbox(let size):
      try require(
        size.height > 0 && size.width > 0, "the size must be positive, not \(size.height)×\(size.width) pixels")
    }
  }

  /// ImageNet's mean, which most backbones were trained with.
  public static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
  /// ImageNet's deviation.
  public static let imageNetDeviation: [Float] = [0.229, 0.224, 0.225]
}

extension Preprocessing.Fit {
  /// The fit for a network input scaled by a factor. Each scaled size is rounded to a multiple of the largest power of
  /// two up to 32 that divides both height and width, because the network may support multiples of its stride only.
  func scaled(by factor: Double) -> Preprocessing.Fit {
    func scaled(_ size: Extent2D) -> Extent2D {
      let step = [32, 16, 8, 4, 2].first { size.height % $0 == 0 && size.width % $0 == 0 } ?? 1
      func rounded(_ extent: Int) -> Int { max(1, Int((Double(extent) * factor / Double(step)).rounded())) * step }
      return Extent2D(height: rounded(size.height), width: rounded(size.width))
    }
    switch self {
    case .keep(let multiple): return .scale(factor, multipleOf: multiple)
    case .scale(let own, let multiple): return .scale(own * factor, multipleOf: multiple)
    case .pad(let size): return .pad(scaled(size))
    case .stretch(let size): return .stretch(scaled(size))
    case .letterbox(let size): return .letterbox(scaled(size))
    }
  }
}
