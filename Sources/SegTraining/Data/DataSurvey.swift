import SegEngine
import SegIO

/// What a data set contains: sizes, channels, shares of the classes, mean and deviation.
public struct DataSurvey: Sendable {
  /// The number of classes: one more than the largest label.
  public let classes: Int
  /// The number of samples of a pixel of the images, without alpha.
  public let channels: Int
  /// The smallest and largest heights and widths of the images to train with.
  public let smallest, largest: Extent2D
  /// The pixels of each class, for each image to train with.
  public let pixelCounts: [[Int]]
  /// The mean and deviation of each channel over all pixels to train with, scaled as asked for.
  public let mean, deviation: [Float]

  /// The share of each class in the pixels that are not ignored.
  public var shares: [Double] {
    let sums = (0..<classes).map { label in pixelCounts.reduce(0) { $0 + $1[label] } }
    let total = Double(max(1, sums.reduce(0, +)))
    return sums.map { Double($0) / total }
  }

  /// Reads all images and masks of the parts for training and validation.
  ///
  /// - Parameters:
  ///   - data: The data set.
  ///   - directory: Its folder, for errors.
  ///   - masks: The reading of masks.
  ///   - range: The scaling of samples.
  ///   - classes: The number of classes; `nil` for one more than the largest label.
  /// - Throws: `ImageError`, ``TrainingDataError``.
  init(
    _ data: TrainingData, of directory: String, masks: MaskReading, range: Preprocessing.Range, classes given: Int?
  ) throws {
    let (parts, trainingCount) = (data.training + data.validation, data.training.count)
    let first = try Image(contentsOf: parts[0].image)
    let colorCount = first.layout.count - (first.layout.hasAlpha ? 1 : 0)
    let reading = TrainingDataReading(
      masks: masks,
      preprocessing: Preprocessing(channels: .init(sampleCount: colorCount), fit: .keep(multipleOf: 1), range: range))
    var counts: [[UInt16: Int]] = []
    var (smallest, largest) = (Extent2D(Int.max), Extent2D(0))
    var moments = Array(repeating: (count: 0.0, sum: 0.0, squares: 0.0), count: colorCount)
    for (index, pair) in parts.enumerated() {
      let image = try reading.image(pair.image)
      let count = image.layout.count - (image.layout.hasAlpha ? 1 : 0)
      // An image in colours among grey ones would lose its colours, a grey one among them repeats its value.
      guard count == colorCount || (colorCount == 3 && count == 1) else {
        throw TrainingDataError.channels(image: pair.image, count: count, expected: colorCount)
      }
      counts.append(try reading.labels(pair, of: image).pixelCounts)
      guard index < trainingCount else { continue }
      smallest = Extent2D(height: min(smallest.height, image.height), width: min(smallest.width, image.width))
      largest = Extent2D(height: max(largest.height, image.height), width: max(largest.width, image.width))
      try reading.addMoments(of: image, to: &moments)
    }
    let labels = Set(counts.flatMap(\.keys)).subtracting([LabelMap.unlabelled])
    guard let top = labels.max() else {
      // 255 is ignored by default: masks of 0 and 255 leave background alone, and masks of 255 alone nothing.
      throw TrainingDataError.noLabels(directory: directory)
    }
    if labels == [0], !masks.isBinary, masks.ignored == nil,
      let index = counts.firstIndex(where: { $0[LabelMap.unlabelled] != nil })
    {
      let stored = try masks.stored(parts[index].mask).labels.max() ?? LabelMap.defaultIgnoreLabel
      throw TrainingDataError.onlyIgnored(mask: parts[index].mask, label: stored)
    }
    let classes = given ?? Int(top) + 1
    if let index = counts.firstIndex(where: { $0.keys.contains { $0 >= classes && $0 != LabelMap.unlabelled } }) {
      let label = counts[index].keys.filter { $0 >= classes && $0 != LabelMap.unlabelled }.min()!
      throw TrainingDataError.label(mask: parts[index].mask, label: label, classes: classes)
    }
    self.classes = classes
    pixelCounts = counts.prefix(trainingCount).map { counts in
      (0..<classes).map { counts[UInt16($0)] ?? 0 }
    }
    let present = Set(counts.prefix(trainingCount).flatMap(\.keys)).subtracting([LabelMap.unlabelled])
    guard present.count > 1 else {
      throw TrainingDataError.oneClass(directory: directory, label: Int(present.first ?? 0))
    }
    self.channels = colorCount
    (self.smallest, self.largest) = (smallest, largest)
    mean = moments.map { Float($0.sum / $0.count) }
    deviation = moments.map { moment in
      let mean = moment.sum / moment.count
      return Float(max(moment.squares / moment.count - mean * mean, 1e-12).squareRoot())
    }
  }
}

extension Preprocessing.Channels {
  /// The channels of images with a number of samples a pixel, without alpha.
  init(sampleCount count: Int) { self = count == 1 ? .grey : count == 3 ? .rgb : .bands(count) }
}

extension TrainingDataReading {
  /// Adds the number, sum and sum of squares of each channel.
  fileprivate func addMoments(
    of image: Image, to moments: inout [(count: Double, sum: Double, squares: Double)]
  ) throws {
    let (tensor, _) = try prepared(image)
    let channels = moments.count
    tensor.withElements(of: Float.self) { values in
      for channel in 0..<channels {
        var (sum, squares) = (0.0, 0.0)
        for index in stride(from: channel, to: values.count, by: channels) {
          let value = Double(values[index])
          sum += value
          squares += value * value
        }
        moments[channel].count += Double(values.count / channels)
        moments[channel].sum += sum
        moments[channel].squares += squares
      }
    }
  }
}
