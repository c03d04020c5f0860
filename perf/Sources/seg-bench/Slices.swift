import ArgumentParser
import Foundation
import SegEngine
import SegIO
import SegModels
import SegTraining

/// Trains a small U-Net on a folder of grey images with masks: a whole loop, as a bar for training.
///
/// `perf/slices.py` writes the folder from the MNI152 template of nilearn: `train` and `val`, each with `images` and `masks`.
struct Slices: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Trains a U-Net on slices of a brain, and says its IoU.")

  @Argument(help: "The folder, with train and val.") var folder: String
  @Option(help: "Steps.") var steps = 200
  @Option(help: "Steps between validations.") var interval = 100
  @Option(help: "Images of a batch.") var batch = 8
  @Option(help: "Height and width of a crop.") var crop = 128
  @Option(help: "The seed.") var seed: UInt64 = 0
  @Option(
    help: "A safetensors file of first weights, the `images` and `targets` of all steps, or both, to compare losses.")
  var tensors: String?
  @Flag(help: "Prints the loss of each step.") var losses = false

  static let classes = 3

  func run() throws {
    let training = try samples("train")
    let values = training.flatMap { $0.pixels.map(Double.init) }
    let mean = values.reduce(0, +) / Double(values.count)
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    let validation = try samples("val").map { $0.normalized(mean, deviation) }
    let examples = training.map { $0.normalized(mean, deviation) }

    var network = UNet()
    (network.inputChannels, network.classes, network.widths) = (1, Slices.classes, [16, 32, 64, 128])
    var dice = OverlapOptions()
    (dice.includesBackground, dice.absentClasses) = (false, .counted)
    let step = try network.graph(size: Extent2D(crop)).training(
      loss: CombinedLoss([.init(CrossEntropyLoss()), .init(DiceLoss(dice))]),
      optimizer: .adamW(decay: 1e-4), batch: batch)
    let recorded = try tensors.map { try RecordedSteps(contentsOf: $0, of: step) }
    var state =
      try recorded?.weights.map { try TrainingState(step, weights: $0) }
      ?? TrainingState(initializing: step, seed: seed)
    var generator = SeededGenerator(seed: seed + 1)
    let start = ContinuousClock.now
    for index in 0..<steps {
      let (images, targets) =
        try recorded?.batch(index)
        ?? {
          let crops = (0..<batch).map { _ in examples.randomElement(using: &generator)!.crop(crop, using: &generator) }
          return (
            Tensor(step.imageShape, crops.flatMap(\.pixels)),
            Tensor(step.targetShape, crops.flatMap(\.labels))
          )
        }()
      let rate = 2e-3 * pow(1 - Double(index) / Double(steps), 0.9)
      let loss = try step.run(images, targets, &state, rate: rate).loss
      if losses { print("loss \(index): \(loss)") }
      guard (index + 1) % interval == 0 || index + 1 == steps else { continue }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let scores = try validate(network, state.parameters, validation)
      print(
        "step \(index + 1): \(seconds.formatted(1)) s, loss \(loss.formatted(4)), IoU "
          + scores.map { $0.formatted(4) }.joined(separator: " ")
          + ", mean \((scores.reduce(0, +) / Double(scores.count)).formatted(4))")
    }
  }

  private func samples(_ part: String) throws -> [Sample] {
    let images = folder + "/" + part + "/images/"
    return try FileManager.default.contentsOfDirectory(atPath: images).sorted().map { name in
      let image = try Image(contentsOf: images + name)
      let mask = try LabelMap(contentsOf: folder + "/" + part + "/masks/" + name)
      guard image.layout == .grey, case .uint8(let grey) = image.samples else {
        throw ValidationError("\(images)\(name) is no grey image of 8 bits")
      }
      var sample = Sample(
        height: mask.height, width: mask.width, pixels: grey.map { Float($0) / 255 }, labels: mask.labels)
      sample.places = (1..<Slices.classes).map { label in sample.labels.indices.filter { sample.labels[$0] == label } }
      return sample
    }
  }

  private func validate(
    _ network: UNet, _ parameters: Parameters, _ samples: [Sample]
  ) throws -> [Double] {
    var matrix = ConfusionMatrix(classes: Slices.classes)
    let model = try Model(network.graph(size: 32), parameters: parameters)
    for sample in samples {
      let padded = sample.padded(to: network.outputStride)
      let logits = try model.run(["image": Tensor([1, padded.height, padded.width, 1], padded.pixels)])["logits"]!
      let scores = logits.elements(of: Float.self)
      var labels: [UInt16] = []
      for row in 0..<sample.height {
        for column in 0..<sample.width {
          let first = (row * padded.width + column) * Slices.classes
          labels.append(UInt16((0..<Slices.classes).max { scores[first + $0] < scores[first + $1] }!))
        }
      }
      func map(_ labels: [UInt16]) -> LabelMap { LabelMap(width: sample.width, height: sample.height, labels: labels) }
      try matrix.add(prediction: map(labels), truth: map(sample.labels))
    }
    return (0..<Slices.classes).map { matrix.iou($0) ?? 0 }
  }
}

/// The first weights and the batches of steps that another program has run.
private struct RecordedSteps {
  let weights: Parameters?
  private let step: TrainingStep
  private let images: [Float]
  private let targets: [UInt16]

  init(contentsOf path: String, of step: TrainingStep) throws {
    var given = try Parameters(contentsOf: path)
    self.step = step
    images = given.tensors.removeValue(forKey: "images")?.elements(of: Float.self) ?? []
    targets = (given.tensors.removeValue(forKey: "targets")?.elements(of: Int32.self) ?? []).map {
      UInt16(truncatingIfNeeded: $0)
    }
    weights = given.tensors.isEmpty ? nil : given
  }

  /// The images and targets of a step; `nil` if the file has no images.
  func batch(_ index: Int) throws -> (images: Tensor, targets: Tensor)? {
    guard !images.isEmpty else { return nil }
    func part<T>(_ elements: [T], _ shape: Shape) throws -> ArraySlice<T> {
      let range = index * shape.elementCount..<(index + 1) * shape.elementCount
      guard range.upperBound <= elements.count else { throw ValidationError("the file has no step \(index)") }
      return elements[range]
    }
    return (
      Tensor(step.imageShape, try part(images, step.imageShape)),
      Tensor(step.targetShape, try part(targets, step.targetShape))
    )
  }
}

/// A grey image with the label of each pixel.
private struct Sample {
  var height, width: Int
  var pixels: [Float]
  var labels: [UInt16]
  /// The places of the pixels of each class but the background.
  var places: [[Int]] = []

  func normalized(_ mean: Double, _ deviation: Double) -> Sample {
    var result = self
    result.pixels = pixels.map { Float((Double($0) - mean) / deviation) }
    return result
  }

  /// Extends the image at its lower and right edge to multiples of a number; labels are not extended.
  func padded(to multiple: Int) -> Sample {
    let (h, w) = ((height + multiple - 1) / multiple * multiple, (width + multiple - 1) / multiple * multiple)
    let pixels = (0..<h * w).map { self.pixels[min($0 / w, height - 1) * width + min($0 % w, width - 1)] }
    return Sample(height: h, width: w, pixels: pixels, labels: [])
  }

  /// A random crop, half of them centered on a pixel that is not background, in one of the eight orientations, with a random contrast and
  /// brightness.
  func crop(_ size: Int, using generator: inout some RandomNumberGenerator) -> Sample {
    var (top, left) = (
      Int.random(in: 0...height - size, using: &generator), Int.random(in: 0...width - size, using: &generator)
    )
    if Bool.random(using: &generator) {
      if let pixel = places.filter({ !$0.isEmpty }).randomElement(using: &generator)?.randomElement(using: &generator) {
        top = min(max(pixel / width - size / 2, 0), height - size)
        left = min(max(pixel % width - size / 2, 0), width - size)
      }
    }
    let (flipsRows, flipsColumns, transposes) = (
      Bool.random(using: &generator), Bool.random(using: &generator), Bool.random(using: &generator)
    )
    let (contrast, brightness) = (
      Float.random(in: 0.75...1.25, using: &generator), Float.random(in: -0.2...0.2, using: &generator)
    )
    var result = Sample(height: size, width: size, pixels: [], labels: [])
    result.pixels.reserveCapacity(size * size)
    result.labels.reserveCapacity(size * size)
    for i in 0..<size {
      for j in 0..<size {
        let (a, b) = transposes ? (j, i) : (i, j)
        let place = (top + (flipsRows ? size - 1 - a : a)) * width + left + (flipsColumns ? size - 1 - b : b)
        result.pixels.append(pixels[place] * contrast + brightness)
        result.labels.append(labels[place])
      }
    }
    return result
  }
}
