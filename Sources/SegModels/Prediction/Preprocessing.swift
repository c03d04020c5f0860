import SegEngine

/// What is done to an image before a network sees it. It belongs to the weights: a network must be given images as it was
/// trained on them.
public struct Preprocessing: Hashable, Sendable {
  /// The channels that the network sees.
  public enum Channels: Hashable, Sendable {
    /// One: (19595 R + 38470 G + 7471 B) / 65536, the luma of ITU-R BT.601.
    case grey
    case rgb
    case bgr
    /// The first so many samples of a pixel as they lie: bands of a satellite image; of RGBA four with alpha. An image that has
    /// fewer is an error.
    case bands(Int)

    /// The channels that settings call `grey`, `rgb`, `bgr` or `bands`, the last of a network of so many; `nil` for another name.
    public init?(named name: String, count: Int) {
      switch name {
      case "grey": self = .grey
      case "rgb": self = .rgb
      case "bgr": self = .bgr
      case "bands" where count > 0: self = .bands(count)
      default: return nil
      }
    }

    /// Their number.
    public var count: Int {
      switch self {
      case .grey: 1
      case .rgb, .bgr: 3
      case .bands(let count): count
      }
    }
  }

  /// How an image gets the network's size.
  public enum Fit: Hashable, Sendable {
    /// It keeps its size, padded at the right and bottom to multiples of a number.
    case keep(multipleOf: Int)
    /// It keeps its size, padded at the right and bottom to a size, which is no smaller.
    case pad(Extent2D)
    /// It is resized by a factor, then padded at the right and bottom to multiples of a number.
    case scale(Double, multipleOf: Int)
    /// It is stretched to the size, whatever its aspect.
    case stretch(Extent2D)
    /// It is resized to fill one side, keeping its aspect, and centred between padding.
    case letterbox(Extent2D)
  }

  /// What the value 1 is.
  public enum Range: Hashable, Sendable {
    /// White, as the image says: 255, 65535 of 16-bit samples, 1 of floating-point samples (`Image.white`).
    case white
    /// The largest value that occurs in the image.
    case imageMaximum
    /// One step of 8 bits: white is 255.
    case step
  }

  /// The channels that the network sees.
  public var channels: Channels
  /// How the image gets the network's size.
  public var fit: Fit
  /// What the value 1 is.
  public var range: Range
  /// Subtracted from each channel, in units of ``range-swift.property``.
  public var mean: [Float]
  /// What each channel is divided by afterwards.
  public var deviation: [Float]
  /// The value of padding before mean and deviation, in units of ``range-swift.property``.
  public var fill: Float
  /// How the image is resized, where it is.
  public var resampling: Resampling = .antialiased
  /// The type of element that the network takes; values are rounded to the nearest whole number of it.
  public var elementType: ElementType = .float32

  /// Makes a preprocessing. Whether its numbers fit each other is seen where an image is prepared, since they may come from outside.
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

  /// Refuses what no image can be prepared by.
  ///
  /// - Throws: ``PredictionError/preprocessing(_:)``.
  public func validate() throws(PredictionError) {
    func require(_ holds: Bool, _ complaint: @autoclosure () -> String) throws(PredictionError) {
      if !holds { throw .preprocessing(complaint()) }
    }
    let count = channels.count
    try require(count > 0, "a network has channels, not \(count)")
    try require([1, count].contains(mean.count), "\(mean.count) means for \(count) channels")
    try require([1, count].contains(deviation.count), "\(deviation.count) deviations for \(count) channels")
    switch fit {
    case .keep(let multiple): try require(multiple > 0, "no image is a multiple of \(multiple)")
    case .scale(let factor, let multiple):
      try require(
        multiple > 0 && factor > 0 && factor.isFinite,
        "no image is \(factor) times another, and a multiple of \(multiple)")
    case .pad(let size), .stretch(let size), .letterbox(let size):
      try require(size.height > 0 && size.width > 0, "no image has \(size.height)×\(size.width) pixels")
    }
  }

  /// The mean and deviation of ImageNet's images, which most backbones were trained with.
  public static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
  /// See ``imageNetMean``.
  public static let imageNetDeviation: [Float] = [0.229, 0.224, 0.225]
}

extension Preprocessing.Fit {
  /// The same for images of another size: the network's size times a factor, rounded to a multiple of the largest power of two up to
  /// 32 that divides it along both axes, because a network that takes a size may take multiples of its strides alone.
  func scaled(by factor: Double) -> Preprocessing.Fit {
    func scaled(_ size: Extent2D) -> Extent2D {
      let step = [32, 16, 8, 4, 2].first { size.height % $0 == 0 && size.width % $0 == 0 } ?? 1
      func rounded(_ extent: Int) -> Int { max(1, Int((Double(extent) * factor / Double(step)).rounded())) * step }
      return Extent2D(rounded(size.height), rounded(size.width))
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

/// Where an image lies in a network's input, and so how to find the way back.
public struct Placement: Hashable, Sendable {
  /// A rectangle of pixels.
  public struct Rectangle: Hashable, Sendable {
    /// Its first row and column.
    public var top, left: Int
    /// Its extent.
    public var height, width: Int
  }

  /// Height and width of the image itself.
  public let imageSize: Extent2D
  /// Height and width of the network's input.
  public let networkSize: Extent2D
  /// The part of the network's input that shows the image.
  public let content: Rectangle

  /// Where an image of a height and width lies.
  public init(of image: Extent2D, fit: Preprocessing.Fit) {
    imageSize = image
    func keeping(_ factor: Double, multipleOf multiple: Int) -> (content: Rectangle, network: Extent2D) {
      func scaled(_ extent: Int) -> Int { max(1, Int((Double(extent) * factor).rounded())) }
      func up(_ extent: Int) -> Int { (extent + multiple - 1) / multiple * multiple }
      let content = Rectangle(top: 0, left: 0, height: scaled(image.height), width: scaled(image.width))
      return (content, Extent2D(up(content.height), up(content.width)))
    }
    switch fit {
    case .keep(let multiple): (content, networkSize) = keeping(1, multipleOf: multiple)
    case .scale(let factor, let multiple): (content, networkSize) = keeping(factor, multipleOf: multiple)
    case .pad(let size):
      content = Rectangle(top: 0, left: 0, height: image.height, width: image.width)
      networkSize = Extent2D(max(size.height, image.height), max(size.width, image.width))
    case .stretch(let size):
      networkSize = size
      content = Rectangle(top: 0, left: 0, height: size.height, width: size.width)
    case .letterbox(let size):
      networkSize = size
      // One side is filled, the other rounded half to even, as Python does where these networks were trained.
      var (height, width) = (size.height, size.width)
      if image.height * size.width <= image.width * size.height {
        height = max(1, Int((Double(image.height * size.width) / Double(image.width)).rounded(.toNearestOrEven)))
      } else {
        width = max(1, Int((Double(image.width * size.height) / Double(image.height)).rounded(.toNearestOrEven)))
      }
      content = Rectangle(
        top: (size.height - height) / 2, left: (size.width - width) / 2, height: height, width: width)
    }
  }
}
