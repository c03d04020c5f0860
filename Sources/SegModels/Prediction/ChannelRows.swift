import SegEngine

/// Reads rows of an image and selects the network's channels from the samples of each pixel.
struct ChannelRows<Stored: ImageSample> {
  private let samples: UnsafePointer<Stored>
  private let layout: Image.ChannelLayout
  private let selection: ChannelSelection
  /// Whether the channels are all samples of a pixel in storage order.
  private let areSamples: Bool
  /// The image's size in pixels.
  let height, width: Int

  /// - Precondition: `samples` are the samples of `image`, and outlive this value.
  init(_ samples: UnsafePointer<Stored>, of image: Image, _ selection: ChannelSelection) {
    self.samples = samples
    self.selection = selection
    layout = image.layout
    height = image.height
    width = image.width
    areSamples = if case .samples(let offsets) = selection { offsets == Array(0..<image.layout.count) } else { false }
  }

  /// The number of channels.
  var channels: Int { selection.count }

  /// Writes a row, `[width, channels]`.
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
