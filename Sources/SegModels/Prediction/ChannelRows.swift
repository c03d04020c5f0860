import SegEngine

/// Reads rows of interleaved pixels and selects the network's channels from the samples of each pixel.
struct ChannelRows<Stored: ImageSample> {
  private let samples: UnsafePointer<Stored>
  /// The distances from one pixel and from one row to the next, in samples.
  private let pixelStride, rowStride: Int
  private let selection: ChannelSelection
  /// Whether the channels are all samples of a pixel in storage order.
  private let areSamples: Bool
  /// The image's size in pixels.
  let height, width: Int

  /// - Precondition: `samples` are the samples of `image`, and outlive this value.
  init(_ samples: UnsafePointer<Stored>, of image: Image, _ selection: ChannelSelection) {
    let count = image.layout.count
    self.init(
      samples, Extent2D(height: image.height, width: image.width), pixelStride: count, rowStride: image.width * count,
      selection)
  }

  /// - Precondition: `samples` contains all rows and outlives this value.
  init(
    _ samples: UnsafePointer<Stored>, _ size: Extent2D, pixelStride: Int, rowStride: Int, _ selection: ChannelSelection
  ) {
    self.samples = samples
    self.pixelStride = pixelStride
    self.rowStride = rowStride
    self.selection = selection
    height = size.height
    width = size.width
    areSamples = if case .samples(let offsets) = selection { offsets == Array(0..<pixelStride) } else { false }
  }

  /// The number of channels.
  var channels: Int { selection.count }

  /// Writes a row, `[width, channels]`.
  func read(_ row: Int, into target: UnsafeMutablePointer<Stored.Working>) {
    let source = samples + row * rowStride
    switch selection {
    case .luma(let red, let green, let blue):
      for column in 0..<width {
        let pixel = source + column * pixelStride
        target[column] = .luma(pixel[red].working, pixel[green].working, pixel[blue].working)
      }
    case .samples where areSamples:
      for index in 0..<width * pixelStride { target[index] = source[index].working }
    case .samples(let offsets):
      let count = offsets.count
      for (channel, offset) in offsets.enumerated() {
        for column in 0..<width { target[column * count + channel] = source[column * pixelStride + offset].working }
      }
    }
  }
}
