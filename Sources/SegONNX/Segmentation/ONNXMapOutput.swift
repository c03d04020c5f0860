import SegEngine
import SegModels

/// An output of a file that is a map of the image: which of its axes are the image's rows, columns and channels.
struct ONNXMapOutput: Sendable {
  let name: String
  /// Its axes that follow the image's height and width, and the one of channels where there is one, in the file's order.
  let rows, columns: Int
  let channelAxis: Int?
  /// Its extents for the image for which it was looked at.
  let size: Extent2D
  let channels: Int
  /// Whether its order of axes is proven, or the only one that fits.
  let isCertain: Bool
  /// What its values are.
  let reading: OutputReading

  /// The order of its axes as `[1, height, width, channels]`, without the channels where it has no such axis.
  var order: [Int] { [rows, columns] + (channelAxis.map { [$0] } ?? []) }

  /// Its order of axes in words.
  var layout: String {
    let isLast = channelAxis.map { $0 > columns } ?? false
    return isLast ? "[height, width, channels]" : "[channels, height, width]"
  }

  /// Looks at an output; `nil` where it is no map of the image.
  init?(_ name: String, _ spec: TensorSpec, _ properties: ValueProperties, image: Extent2D) {
    let shape = spec.shape
    guard (2...5).contains(shape.rank) else { return nil }
    let roles = properties.axes.map(\.role)
    let places: (rows: Int, columns: Int)
    if let rows = roles.firstIndex(of: .height), let columns = roles.firstIndex(of: .width) {
      (places, isCertain) = ((rows, columns), true)
    } else {
      // By extents: the two neighbouring axes of the image's proportions; where several fit, those of the commonest order.
      let candidates = (0..<shape.rank - 1).filter { first in
        shape[first] > 1 && shape[first + 1] > 1
          && ONNXMapOutput.isProportional(Extent2D(height: shape[first], width: shape[first + 1]), to: image)
          && shape.dimensions.indices.filter { $0 != first && $0 != first + 1 && shape[$0] != 1 }.count <= 1
      }
      guard let first = candidates.last else { return nil }
      (places, isCertain) = ((first, first + 1), candidates.count == 1)
    }
    (rows, columns) = places
    size = Extent2D(height: shape[rows], width: shape[columns])
    guard size.height > 1 || image.height == 1, size.width > 1 || image.width == 1 else { return nil }
    let others = shape.dimensions.indices.filter { $0 != places.rows && $0 != places.columns }
    let wide = others.filter { shape[$0] != 1 }
    guard wide.count <= 1 else { return nil }
    channelAxis = wide.first ?? others.first { roles[$0] == .channel } ?? others.last { $0 > 0 }
    channels = channelAxis.map { shape[$0] } ?? 1
    self.name = name
    reading = OutputReading(properties, channels: channels, channelAxis: channelAxis)
  }

  /// Whether a map has the image's proportions, but for what rounding its size takes.
  private static func isProportional(_ map: Extent2D, to image: Extent2D) -> Bool {
    let (down, across) =
      (Double(image.height) / Double(map.height), Double(image.width) / Double(map.width))
    return abs(Double(map.height) * across - Double(image.height)) <= across + 1e-9
      || abs(Double(map.width) * down - Double(image.width)) <= down + 1e-9
  }

  /// Whether it looks like a picture and not like a segmentation: three or four channels between 0 and 1 that are no distribution.
  var isPicture: Bool {
    (3...4).contains(channels) && reading.meaning == .probabilities && !reading.isDistribution
  }

  /// Of the outputs of a network that are maps of the image the one that is its segmentation: of the largest the first that is no picture.
  static func best(of maps: [ONNXMapOutput]) -> ONNXMapOutput? {
    let largest = maps.map { $0.size.height * $0.size.width }.max()
    let candidates = maps.filter { $0.size.height * $0.size.width == largest }
    return candidates.first { !$0.isPicture } ?? candidates.first
  }
}
