import SegEngine
import SegIO
import SegModels

/// The source of the predictions.
struct EvaluationSource {
  /// A prediction with its mask.
  struct Item {
    let prediction, truth: LabelMap
    let image: Image?
    let output: Predictor.Prediction?
    /// The warnings about the files, one per line.
    let warnings: [String]
  }

  private enum Kind {
    case network(Segmenter, Predictor.Resolution)
    case labels
  }

  let name: String
  /// The number of classes; `nil` if the labels determine it.
  let classes: Int?
  let masks: MaskReading
  let workers: WorkerPool
  /// Whether ``probabilities(_:of:)`` will be called.
  var keepsProbabilities = false
  private let kind: Kind

  /// The assumptions about the network, one per line.
  var assumptions: [String] {
    switch kind {
    case .network(let segmenter, _): segmenter.assumptions
    case .labels: []
    }
  }

  /// The names and colours that the network states.
  var classList: ClassList? {
    switch kind {
    case .network(let segmenter, _): segmenter.predictor.classList
    case .labels: nil
    }
  }

  /// Makes a source that runs a network.
  static func network(_ segmenter: Segmenter, masks: MaskReading, _ resolution: Predictor.Resolution)
    -> EvaluationSource
  {
    EvaluationSource(
      name: segmenter.name, classes: segmenter.classes, masks: masks,
      workers: segmenter.predictor.model.backend.workers,
      kind: .network(segmenter, resolution))
  }

  /// Makes a source that reads label images.
  static func labels(masks: MaskReading, classes: Int?, workers: WorkerPool) -> EvaluationSource {
    EvaluationSource(
      name: "predictions", classes: masks.isBinary ? classes ?? 2 : classes, masks: masks, workers: workers,
      kind: .labels)
  }

  /// Returns the prediction of a pair of files, with its mask.
  func item(_ pair: LabelledImages.Pair) throws -> Item {
    switch kind {
    case .labels:
      // The two files are decoded concurrently, because decoding takes about as long as comparing.
      var maps: [Result<MaskReading.Labels, any Error>?] = [nil, nil]
      maps.withUnsafeMutableBufferPointer { maps in
        workers.forEach(2) { index, _ in
          maps[index] = Result { try index == 0 ? masks.prediction(pair.image) : masks.truth(pair.mask) }
        }
      }
      let (prediction, truth) = (try maps[0]!.get(), try maps[1]!.get())
      return Item(
        prediction: prediction.labels, truth: truth.labels, image: nil, output: nil,
        warnings: (prediction.warnings + truth.warnings).map(\.description))
    case .network(let segmenter, let resolution):
      let (image, imageWarnings) = try imageLines(pair.image, for: segmenter.predictor.preprocessing)
      var (mask, maskWarnings) = try masks.truth(pair.mask)
      guard mask.width == image.width, mask.height == image.height else {
        throw Failure(
          .badInput,
          "\(pair.mask): has \(mask.width)×\(mask.height) pixels, its image \(image.width)×\(image.height)")
      }
      let prediction = try segmenter.prediction(
        for: image, of: pair.image, at: resolution, keepingLogits: keepsProbabilities)
      if resolution == .network {
        mask = segmenter.predictor.networkMask(mask, fill: masks.padding)
      }
      return Item(
        prediction: prediction.labels, truth: mask, image: resolution == .image ? image : nil, output: prediction,
        warnings: imageWarnings + maskWarnings.map(\.description))
    }
  }

  /// Returns the probabilities of a network's prediction.
  func probabilities(_ item: Item, of pair: LabelledImages.Pair) throws -> Tensor? {
    guard case .network(let segmenter, _) = kind, let output = item.output else { return nil }
    return try Failure.about(pair.image) { try segmenter.predictor.probabilities(of: output) }
  }
}
