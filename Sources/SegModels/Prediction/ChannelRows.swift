import SegEngine

/// The rows of an image with the samples of a network's channels out of those of its pixels.
struct ChannelRows<Stored: ImageSample> {
  private let samples: UnsafePointer<Stored>
  private let layout: Image.ChannelLayout
  private let selection: ChannelSelection
  /// Whether the channels are the samples as they lie.
  private let areSamples: Bool
  /// Pixels.
  let height, width: Int

  /// - Precondition: the samples are those of the image, and outlive the rows.
  init(_ samples: UnsafePointer<Stored>, of image: Image, _ selection: ChannelSelection) {
    self.samples = samples
    self.selection = selection
    layout = image.layout
    height = image.height
    width = image.width
    areSamples = if case .samples(let offsets) = selection { offsets == Array(0..<image.layout.count) } else { false }
  }

  /// Samples a pixel.
  var channels: Int { selection.count }

  /// Gives a row, `[width, channels]`.
  func read(_ row: Int, into target: UnsafeMutablePointer<Stored.Working>) {
    let stride = layout.count
    let source = samples + row * width * stride
    switch selection {
    case .luma:
      for column in 0..<width {
        let pixel = source + column * stride
        target[column] = .luma(pixel[0].working, pixel[1].working, pixel[2].working)
      }
    case .samples where areSamples:
      for index in 0..<width * stride { target[index] = source[index].working }
    case .samples(let offsets):
      let count = offsets.count
      for (channel, offset) in offsets.enumerated() {
        for column in 0..<width { target[column * count + channel] = source[column * stride + offset].working }
      }
    }
  }
}

/// How the samples of a pixel become a network's channels.
enum ChannelSelection {
  /// Each channel is one of the samples.
  case samples([Int])
  /// The luma of the first three.
  case luma

  /// - Throws: ``PredictionError/tooFewBands(image:network:)``.
  init(_ channels: Preprocessing.Channels, of layout: Image.ChannelLayout) throws(PredictionError) {
    switch channels {
    case .grey: self = layout.isColor ? .luma : .samples([0])
    case .rgb: self = .samples(layout.isColor ? [0, 1, 2] : [0, 0, 0])
    case .bgr: self = .samples(layout.isColor ? [2, 1, 0] : [0, 0, 0])
    case .bands(let count):
      guard count <= layout.count else { throw .tooFewBands(image: layout.count, network: count) }
      self = .samples(Array(0..<count))
    }
  }

  /// Channels.
  var count: Int {
    switch self {
    case .samples(let offsets): offsets.count
    case .luma: 1
    }
  }
}

/// A sample as an image holds it.
protocol ImageSample {
  associatedtype Working: WorkingSample
  /// What resizing computes with.
  var working: Working { get }
}

extension UInt8: ImageSample {
  var working: UInt8 { self }
}

extension UInt16: ImageSample {
  var working: Float { Float(self) }
}

extension Float: ImageSample {
  var working: Float { self }
}
