import SegEngine
import SegModels

/// An output of a file with the image's height and width among its axes, such as logits or a label map.
struct ONNXMapOutput: Sendable {
  /// The name of the output.
  let name: String
  /// The indices of the axes of the image's height and width, in the file's axis order.
  let rows, columns: Int
  /// The index of the channel axis; `nil` if there is none.
  let channelAxis: Int?
  /// The height and width of the output for the image it was examined with.
  let size: Extent2D
  /// The number of channels; 1 if there is no channel axis.
  let channels: Int
  /// Whether the axis order is proven, or is the only possible one.
  let isCertain: Bool
  /// The meaning of the values.
  let reading: OutputReading

  /// The permutation of the axes to `[height, width, channels]`, without channels if there is no channel axis.
  var order: [Int] { [rows, columns] + (channelAxis.map { [$0] } ?? []) }

  /// The axis order in words.
  var layout: String {
    let isLast = channelAxis.map { $0 > columns } ?? false
    return isLast ? "[height, width, channels]" : "[channels, height, width]"
  }

  /// Examines an output; `nil` if it is not a map of the image.
  ///
  /// - Parameters:
  ///   - name: The name of the output.
  ///   - spec: Its shape and element type for `image`.
  ///   - properties: Its proven properties.
  ///   - image: The size of the image for which the graph was built.
  init?(_ name: String, _ spec: TensorSpec, _ properties: ValueProperties, image: Extent2D) {
    let shape = spec.shape
    guard (2...5).contains(shape.rank) else { return nil }
    let roles = properties.axes.map(\.role)
    let places: (rows: Int, columns: Int)
    if let rows = roles.firstIndex(of: .height), let columns = roles.firstIndex(of: .width) {
      (places, isCertain) = ((rows, columns), true)
    } else {
      // Otherwise height and width are two adjacent axes in the proportion of the image's. If several pairs fit, the
      // last is taken (channels first).
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

  /// Returns whether a map has the image's proportions, up to the rounding of its size.
  private static func isProportional(_ map: Extent2D, to image: Extent2D) -> Bool {
    let (down, across) =
      (Double(image.height) / Double(map.height), Double(image.width) / Double(map.width))
    return abs(Double(map.height) * across - Double(image.height)) <= across + 1e-9
      || abs(Double(map.width) * down - Double(image.width)) <= down + 1e-9
  }

  /// Whether the output is probably an image rather than a segmentation: three or four channels with values from 0 to 1
  /// that do not form a distribution.
  var isPicture: Bool {
    (3...4).contains(channels) && reading.meaning == .probabilities && !reading.isDistribution
  }

  /// Returns the output that is taken for the segmentation: of the outputs with the largest height · width, the first
  /// that is not an image (``isPicture``), else the first.
  static func best(of maps: [ONNXMapOutput]) -> ONNXMapOutput? {
    let largest = maps.map { $0.size.height * $0.size.width }.max()
    let candidates = maps.filter { $0.size.height * $0.size.width == largest }
    return candidates.first { !$0.isPicture } ?? candidates.first
  }
}
