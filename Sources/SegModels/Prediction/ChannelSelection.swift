import SegEngine

/// How the network's channels are computed from the samples of a pixel.
enum ChannelSelection {
  /// Each channel is one of the samples, given by index.
  case samples([Int])
  /// The luma of red, green and blue, given by the indices of their samples.
  case luma(red: Int, green: Int, blue: Int)

  /// - Throws: ``PredictionError/tooFewBands(image:network:)``.
  init(_ channels: Preprocessing.Channels, of layout: Image.ChannelLayout) throws(PredictionError) {
    switch channels {
    case .grey: self = layout.isColor ? .luma(red: 0, green: 1, blue: 2) : .samples([0])
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

  /// The selection from pixels in which sample `i` is stored at index `offsets[i]`.
  func from(_ offsets: [Int]) -> ChannelSelection {
    switch self {
    case .samples(let samples): .samples(samples.map { offsets[$0] })
    case .luma(let red, let green, let blue): .luma(red: offsets[red], green: offsets[green], blue: offsets[blue])
    }
  }
}
