import SegEngine
import SegIO

/// How image and mask files become examples.
struct TrainingDataReading: Sendable {
  var masks: MaskReading
  var preprocessing: Preprocessing
  /// Decoding runs beside the training step, on one thread.
  private let workers = WorkerPool(threads: 1)

  init(masks: MaskReading, preprocessing: Preprocessing) {
    self.masks = masks
    self.preprocessing = preprocessing
    if case .letterbox = preprocessing.fit { return }
    self.preprocessing.fit = .keep(multipleOf: 1)
  }

  /// Reads an image.
  func image(_ path: String) throws -> Image { try Image(contentsOf: path) }

  /// Prepares an image.
  func prepared(_ image: Image) throws(PredictionError) -> (tensor: Tensor, placement: Placement) {
    try preprocessing(image, on: workers)
  }

  /// Reads a mask and checks it against the size of its image.
  func labels(_ pair: LabelledImages.Pair, of image: Image) throws -> LabelMap {
    let labels = try masks.truth(pair.mask).labels
    guard labels.width == image.width, labels.height == image.height else {
      throw TrainingDataError.size(
        mask: pair.mask, of: Extent2D(height: labels.height, width: labels.width),
        image: Extent2D(height: image.height, width: image.width))
    }
    return labels
  }

  /// Reads an image with its mask.
  ///
  /// - Throws: `ImageError` for a file that cannot be read, ``TrainingDataError`` for a mask of another size or with a label that is no class.
  func example(_ pair: LabelledImages.Pair, classes: Int) throws -> TrainingExample {
    let image = try image(pair.image)
    var labels = try labels(pair, of: image)
    if let label = labels.labels.first(where: { $0 >= classes && $0 != LabelMap.unlabelled }) {
      throw TrainingDataError.label(mask: pair.mask, label: label, classes: classes)
    }
    let (tensor, placement) = try prepared(image)
    let shape = Shape(Array(tensor.shape.dimensions.dropFirst()))
    if case .letterbox = preprocessing.fit { labels = placement.networkMask(labels, fill: LabelMap.unlabelled) }
    return TrainingExample(pixels: tensor.reshaped(to: shape), labels: labels, classes: classes)
  }
}
