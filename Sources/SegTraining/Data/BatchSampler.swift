import Foundation
import SegEngine

/// Draws the batches of a training: image, place, geometry and intensities of each crop.
///
/// The numbers of a crop follow from the seed, the step and its index in the batch alone, so that a batch is the same whatever was drawn
/// before and on whichever thread.
struct BatchSampler: Sendable {
  let store: ExampleStore
  let sampling: CropSampling
  let augmentation: Augmentation
  let batch: Int
  let seed: UInt64
  /// The images of each class, and the probability of a class, for rare-class sampling.
  private let classImages: [(images: [Int], probability: Double)]

  /// Makes a sampler.
  ///
  /// - Parameter counts: The pixels of each class, for each image.
  init(
    _ store: ExampleStore, counts: [[Int]], sampling: CropSampling, augmentation: Augmentation, batch: Int, seed: UInt64
  ) {
    self.store = store
    self.sampling = sampling
    self.augmentation = augmentation
    self.batch = batch
    self.seed = seed
    guard let temperature = sampling.rareClassTemperature else {
      classImages = []
      return
    }
    let total = Double(max(1, counts.reduce(0) { $0 + $1.reduce(0, +) }))
    classImages = (0..<store.classes).map { label in
      let images = counts.indices.filter { counts[$0][label] > 0 }
      let share = Double(counts.reduce(0) { $0 + $1[label] }) / total
      return (images, images.isEmpty ? 0 : exp((1 - share) / temperature))
    }
  }

  /// The images, float32 `[batch, size, size, channels]`, and targets, uint16 `[batch, size, size]`, of a step.
  func batch(of step: Int) throws -> (images: Tensor, targets: Tensor) {
    let (size, channels) = (sampling.size, store.channels)
    var images = Tensor(uninitialized: [batch, size, size, channels])
    var targets = Tensor(uninitialized: [batch, size, size], of: .uint16)
    let count = size * size
    for index in 0..<batch {
      var generator = SeededGenerator(seed: seed, step, index)
      try images.withMutableElements(of: Float.self) { pixels in
        try targets.withMutableElements(of: UInt16.self) { labels in
          var own = pixels.extracting(index * count * channels..<(index + 1) * count * channels)
          var map = labels.extracting(index * count..<(index + 1) * count)
          try draw(into: &own, &map, using: &generator)
        }
      }
    }
    return (images, targets)
  }

  private func draw(
    into pixels: inout MutableSpan<Float>, _ labels: inout MutableSpan<UInt16>, using generator: inout SeededGenerator
  ) throws {
    if augmentation.mosaic > 0, Double.random(in: 0..<1, using: &generator) < augmentation.mosaic {
      try drawMosaic(into: &pixels, &labels, using: &generator)
    } else {
      try drawCrop(into: &pixels, &labels, using: &generator)
    }
    IntensityChange(augmentation: augmentation).apply(
      &pixels, size: sampling.size, channels: store.channels, using: &generator)
  }

  /// Draws a crop whose shares of classes are within the limits, or the last of ten.
  private func drawCrop(
    into pixels: inout MutableSpan<Float>, _ labels: inout MutableSpan<UInt16>, using generator: inout SeededGenerator
  ) throws {
    for _ in 0..<10 {
      let (image, label) = drawImage(using: &generator)
      let example = try store.example(image)
      var focus: (row: Int, column: Int)?
      if let label {
        focus = example.pixel(of: label, using: &generator)
      } else if Double.random(in: 0..<1, using: &generator) < sampling.foreground,
        let label = example.presentClasses.filter({ $0 > 0 }).randomElement(using: &generator)
      {
        focus = example.pixel(of: label, using: &generator)
      }
      let mapping = CropMapping(
        augmentation, size: sampling.size, of: Extent2D(height: example.labels.height, width: example.labels.width),
        around: focus, using: &generator)
      mapping.cut(example, pixels: &pixels, labels: &labels)
      if isWithinLimits(labels) { return }
    }
  }

  /// Draws an image, and the class to show with rare-class sampling.
  private func drawImage(using generator: inout SeededGenerator) -> (image: Int, label: Int?) {
    let total = classImages.reduce(0) { $0 + $1.probability }
    guard total > 0 else { return (Int.random(in: 0..<store.count, using: &generator), nil) }
    var number = Double.random(in: 0..<total, using: &generator)
    for (label, entry) in classImages.enumerated() where entry.probability > 0 {
      number -= entry.probability
      if number < 0 { return (entry.images.randomElement(using: &generator)!, label) }
    }
    return (Int.random(in: 0..<store.count, using: &generator), nil)
  }

  private func isWithinLimits(_ labels: borrowing MutableSpan<UInt16>) -> Bool {
    guard sampling.largestShare != nil || sampling.leastForeground != nil else { return true }
    var counts = [Int](repeating: 0, count: store.classes)
    for index in 0..<labels.count where labels[index] < store.classes { counts[Int(labels[index])] += 1 }
    let total = Double(max(1, counts.reduce(0, +)))
    if let largest = sampling.largestShare, Double(counts.max() ?? 0) > largest * total { return false }
    if let least = sampling.leastForeground, total - Double(counts[0]) < least * total { return false }
    return true
  }

  /// Draws four crops, and shows a rectangle of each around a point in the middle half.
  private func drawMosaic(
    into pixels: inout MutableSpan<Float>, _ labels: inout MutableSpan<UInt16>, using generator: inout SeededGenerator
  ) throws {
    let (size, channels) = (sampling.size, store.channels)
    let (low, high) = (size / 4, size - size / 4)
    let (middle, center) = (
      Int.random(in: low...high, using: &generator), Int.random(in: low...high, using: &generator)
    )
    var part = Tensor(uninitialized: [size, size, channels])
    var map = Tensor(uninitialized: [size, size], of: .uint16)
    for (rows, columns) in [
      (0..<middle, 0..<center), (0..<middle, center..<size), (middle..<size, 0..<center),
      (middle..<size, center..<size),
    ] {
      try part.withMutableElements(of: Float.self) { own in
        try map.withMutableElements(of: UInt16.self) { ownLabels in
          try drawCrop(into: &own, &ownLabels, using: &generator)
          for row in rows {
            for index in row * size + columns.lowerBound..<row * size + columns.upperBound {
              labels[index] = ownLabels[index]
              for channel in 0..<channels { pixels[index * channels + channel] = own[index * channels + channel] }
            }
          }
        }
      }
    }
  }
}

extension SeededGenerator {
  /// Makes the generator of a crop: the seed, the step and the index, hashed one after another.
  init(seed: UInt64, _ step: Int, _ index: Int) {
    var state = seed
    for number in [UInt64(step), UInt64(index)] {
      var generator = SeededGenerator(seed: state)
      state = generator.next() ^ (number &* 0xd6e8_feb8_6659_fd93)
    }
    var generator = SeededGenerator(seed: state)
    self.init(seed: generator.next())
  }
}
