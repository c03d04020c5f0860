import SegEngine

/// How the network's channels are computed from the samples of a pixel.
enum ChannelSelection {
  /// Each channel is one of the samples, given by index.
  case samples([Int])
  /// The luma of the first three samples.
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

  /// The number of channels.
  var count: Int {
    switch self {
    case .samples(let offsets): offsets.count
    case .luma: 1
    }
  }
}
