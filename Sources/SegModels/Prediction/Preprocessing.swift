import SegEngine

/// What is done to an image before a network sees it. It belongs to the weights: a network must be given images as it was
/// trained on them.
public struct Preprocessing: Hashable, Sendable {
  /// The channels that the network sees.
  public enum Channels: String, Hashable, Sendable, CaseIterable {
    /// One: (19595 R + 38470 G + 7471 B) / 65536, the luma of ITU-R BT.601.
    case grey
    case rgb
    case bgr

    /// Their number.
    public var count: Int { self == .grey ? 1 : 3 }
  }

  /// How an image gets the network's size.
  public enum Fit: Hashable, Sendable {
    /// It keeps its size, padded at the right and bottom to multiples of a number.
    case keep(multipleOf: Int)
    /// It is resized by a factor, then padded at the right and bottom to multiples of a number.
    case scale(Double, multipleOf: Int)
    /// It is stretched to the size, whatever its aspect.
    case stretch(Extent2D)
    /// It is resized to fill one side, keeping its aspect, and centred between padding.
    case letterbox(Extent2D)
  }

  /// What the value 1 is.
  public enum Range: Hashable, Sendable {
    /// White (255, or 65535 of 16-bit samples).
    case white
    /// The largest value that occurs in the image.
    case imageMaximum
    /// One step of 8 bits: values run from 0 to 255.
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

  /// Makes a preprocessing.
  ///
  /// - Precondition: mean and deviation have one number a channel, or one for all.
  public init(
    channels: Channels = .rgb, fit: Fit, range: Range = .white, mean: [Float] = [0], deviation: [Float] = [1],
    fill: Float = 0
  ) {
    precondition([1, channels.count].contains(mean.count), "\(mean.count) means for \(channels)")
    precondition([1, channels.count].contains(deviation.count), "\(deviation.count) deviations for \(channels)")
    self.channels = channels
    self.fit = fit
    self.range = range
    self.mean = mean
    self.deviation = deviation
    self.fill = fill
  }

  /// The mean and deviation of ImageNet's images, which most backbones were trained with.
  public static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
  /// See ``imageNetMean``.
  public static let imageNetDeviation: [Float] = [0.229, 0.224, 0.225]

  /// The network's input for an image, `[1, height, width, channels]`, and where in it the image lies.
  public func callAsFunction(_ image: Image) -> (tensor: Tensor, placement: Placement) {
    let placement = Placement(of: Extent2D(image.height, image.width), fit: fit)
    let size = placement.networkSize
    let content = placement.content
    var values = resampled(image, to: Extent2D(content.height, content.width))
    if range == .imageMaximum, let largest = values.max(), largest > 0 { values = values.map { $0 / largest } }
    let count = channels.count
    let scale = (0..<count).map { 1 / deviation[min($0, deviation.count - 1)] }
    let shift = (0..<count).map { -mean[min($0, mean.count - 1)] * scale[$0] }
    var elements: [Float] = []
    elements.reserveCapacity(size.height * size.width * count)
    let padding = (0..<count).map { fill * scale[$0] + shift[$0] }
    for row in 0..<size.height {
      for column in 0..<size.width {
        let (y, x) = (row - content.top, column - content.left)
        if y >= 0, y < content.height, x >= 0, x < content.width {
          for c in 0..<count { elements.append(values[(y * content.width + x) * count + c] * scale[c] + shift[c]) }
        } else {
          elements += padding
        }
      }
    }
    return (Tensor([1, size.height, size.width, count], elements), placement)
  }

  /// The channels at the given size, in units of ``range-swift.property`` (but for the image's maximum).
  private func resampled(_ image: Image, to size: Extent2D) -> [Float] {
    let from = Extent2D(image.height, image.width)
    switch image.samples {
    case .uint8(let samples):
      let picked = pick(samples, image.layout) { (r: UInt8, g: UInt8, b: UInt8) -> UInt8 in
        let sum: UInt32 = UInt32(r) * 19595 + UInt32(g) * 38470 + UInt32(b) * 7471
        return UInt8((sum + 0x8000) >> 16)
      }
      let resized = ImageResampling.bilinear(picked, from: from, to: size, channels: channels.count)
      let unit: Float = range == .white ? 255 : 1
      return resized.map { Float($0) / unit }
    case .uint16(let samples):
      let picked = pick(samples.map(Float.init), image.layout) { (r: Float, g: Float, b: Float) -> Float in
        (r * 19595 + g * 38470 + b * 7471) / 65536
      }
      let resized = ImageResampling.bilinear(picked, from: from, to: size, channels: channels.count)
      let unit: Float = range == .white ? 65535 : range == .step ? 257 : 1
      return resized.map { $0 / unit }
    }
  }

  /// The samples of the network's channels out of those of the image.
  private func pick<Sample>(
    _ samples: [Sample], _ layout: Image.ChannelLayout, grey: (Sample, Sample, Sample) -> Sample
  ) -> [Sample] {
    let stride = layout.count
    let isColor = layout == .rgb || layout == .rgba
    if channels == .grey, layout == .grey { return samples }
    if channels == .rgb, layout == .rgb { return samples }
    var picked: [Sample] = []
    picked.reserveCapacity(samples.count / stride * channels.count)
    for pixel in Swift.stride(from: 0, to: samples.count, by: stride) {
      let (r, g, b) =
        isColor
        ? (samples[pixel], samples[pixel + 1], samples[pixel + 2]) : (samples[pixel], samples[pixel], samples[pixel])
      switch channels {
      case .grey: picked.append(isColor ? grey(r, g, b) : r)
      case .rgb: picked += [r, g, b]
      case .bgr: picked += [b, g, r]
      }
    }
    return picked
  }
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
