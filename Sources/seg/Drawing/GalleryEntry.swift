import SegEngine
import SegIO

/// An image with its score and pictures of the mask, the prediction and the errors.
struct GalleryEntry {
  /// How the pictures are drawn.
  struct Style {
    /// The colours. Labels that are the background are not drawn over photographs.
    let classes: ClassList
    /// The weight of the colours over photographs.
    let opacity: Double
    /// The label of the mask's pixels that count for nothing.
    let ignoreLabel: UInt16?
    /// The maximum width and height of a picture, in pixels. Larger pictures are reduced by an integer factor.
    var largestExtent = 1600
    /// Whether the photograph is shown by itself, too.
    var includesPhoto = false
  }

  /// The number of the image, by which entries are identified.
  let number: Int
  let name: String
  let score: Double
  /// A PNG file of the photograph; `nil` if there is none, or it is not shown by itself.
  let photo: [UInt8]?
  /// PNG files of the image overlaid with the mask, with the prediction, and with the wrong pixels.
  let truth, prediction, errors: [UInt8]
  /// The label that is not drawn over the photograph; `nil` if all are drawn.
  let undrawnLabel: UInt16?
  /// Whether the pictures have few pixels, so that they are viewed enlarged.
  let isSmall: Bool
  /// The number of pixels that count, and of those that are ignored.
  let pixelCount, ignoredCount: Int
  /// The labels that occur with their numbers of pixels in mask and prediction, the most frequent of the mask first.
  let labels: [(label: UInt16, truth: Int, prediction: Int)]
  /// The kinds of errors that occur, with their numbers of pixels.
  let errorCounts: [(kind: ErrorKind, count: Int)]

  /// Draws an image.
  ///
  /// - Throws: ``Failure`` if the photograph has another size than the mask.
  init(
    _ number: Int, _ name: String, score: Double, _ item: EvaluationSource.Item, photo: Image?, _ style: Style
  ) throws {
    let (width, height) = (item.truth.width, item.truth.height)
    if let photo, photo.width != width || photo.height != height {
      throw Failure(
        .badInput, "\(name): the image has \(photo.width)×\(photo.height) pixels, the mask \(width)×\(height)")
    }
    // Without a photograph, all labels are drawn on dark grey, also the background.
    let blank = Image(
      width: width, height: height, layout: .grey, samples: .uint8(Array(repeating: 64, count: width * height)))
    let undrawnLabel = photo == nil ? nil : style.classes.background
    // Ignored pixels are not drawn either.
    let undrawn = LabelMap.unlabelled
    func picture(_ labels: LabelMap) throws -> [UInt8] {
      let shown = labels.labels.map { $0 == style.ignoreLabel || $0 == undrawnLabel ? undrawn : $0 }
      return try (photo ?? blank).overlaid(
        with: LabelMap(width: width, height: height, labels: shown), palette: style.classes.palette,
        opacity: photo == nil ? 1 : style.opacity, background: undrawn
      ).reduced(to: style.largestExtent).pngBytes()
    }
    var (counts, errorCounts) = ([UInt16: (truth: Int, prediction: Int)](), [ErrorKind: Int]())
    var errors = LabelMap(width: width, height: height)
    var ignoredCount = 0
    for (pixel, (truth, prediction)) in zip(item.truth.labels, item.prediction.labels).enumerated() {
      if truth == style.ignoreLabel {
        ignoredCount += 1
        continue
      }
      counts[truth, default: (0, 0)].truth += 1
      counts[prediction, default: (0, 0)].prediction += 1
      if let kind = ErrorKind(truth: truth, prediction: prediction, background: style.classes.background) {
        errors.labels[pixel] = kind.rawValue
        errorCounts[kind, default: 0] += 1
      }
    }
    let drawnErrors = try (photo?.dimmedGrey ?? blank).overlaid(with: errors, palette: ErrorKind.palette, opacity: 0.75)
    (self.number, self.name, self.score) = (number, name, score)
    self.photo = style.includesPhoto ? try photo?.rgb.reduced(to: style.largestExtent).pngBytes() : nil
    truth = try picture(item.truth)
    prediction = try picture(item.prediction)
    self.errors = try drawnErrors.reduced(to: style.largestExtent).pngBytes()
    self.undrawnLabel = undrawnLabel
    isSmall = max(width, height) < 400
    (pixelCount, self.ignoredCount) = (width * height - ignoredCount, ignoredCount)
    labels = counts.map { ($0, $1.truth, $1.prediction) }.sorted {
      (-$0.truth, -$0.prediction, $0.label) < (-$1.truth, -$1.prediction, $1.label)
    }
    self.errorCounts = ErrorKind.allCases.compactMap { kind in errorCounts[kind].map { (kind, $0) } }
  }
}
