import ArgumentParser
import SegEngine
import SegIO
import SegModels

extension Predictor.Resolution: ExpressibleByArgument {}

/// The command `seg evaluate`: compares segmentations with masks.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Compares segmentations with masks.",
    discussion: """
      The segmentations are those of a network (--images, --model), or label images of any origin (--predictions). An image and its \
      mask have the same path below their directories but for the ending, for directories such as `images` and `masks`, and for \
      words such as `_leftImg8bit`, `_gtFine_labelIds` or `_mask`; both options may name one directory that holds both kinds. Where \
      names are ambiguous, --image-suffix and --mask-suffix tell. Overlays beside label images are passed over. Images may have \
      different sizes.

      Classes that occur in neither prediction nor mask are left out of means. Masks of a network of one logit, and with --binary, \
      count as foreground where they are not 0; otherwise label 255 is ignored.

      Example: seg evaluate --predictions out --masks masks --class-names names.txt --html report.html
      """)

  @Option(
    help: ArgumentHelp(
      "The directory of the images; with --predictions only for the pictures of --html.", valueName: "directory"))
  var images: String?

  @Option(
    help: ArgumentHelp(
      """
      The directory of the masks: PNG or TIFF; palette index or grey value is the label, with --palette the colour of RGB images.
      """, valueName: "directory"))
  var masks: String

  @Option(
    help: ArgumentHelp(
      "A directory of label images, as the masks are, to be compared instead of a network's.", valueName: "directory"))
  var predictions: String?

  @Option(
    help: ArgumentHelp(
      "How the names of the images, or predictions, end, such as _leftImg8bit; others are passed over.",
      valueName: "text"))
  var imageSuffix: String?

  @Option(
    help: ArgumentHelp(
      "How the names of the masks end, such as _gtFine_labelTrainIds; others are passed over.", valueName: "text"))
  var maskSuffix: String?

  @Option(help: .model)
  var model: String?

  @OptionGroup var weights: WeightsOptions

  @OptionGroup(title: "Classes") var classOptions: EvaluationClassOptions

  @OptionGroup(title: "Names and colours of classes") var drawing: DrawingOptions

  @OptionGroup(title: "Conventions of the figures") var conventions: EvaluationConventions

  @OptionGroup(title: "Images in, labels out (ONNX files)") var imageOptions: ImageOptions

  @OptionGroup var compute: ComputeOptions

  @Option(
    help: "Compare at the size of the `image`, or of the `network`'s input (masks are brought there like images).")
  var resolution: Predictor.Resolution = .image

  @Option(
    help: ArgumentHelp(
      "Write the images' probabilities, [height, width, classes] at the network's size, to this .npz file, named after the images.",
      valueName: "file"))
  var probabilities: String?

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Print comma-separated values, a line a class.")
  var csv = false

  @Option(
    help: ArgumentHelp(
      "Also write a page with the confusion matrix, the classes' figures, and the best and worst images.",
      valueName: "file"))
  var html: String?

  func validate() throws {
    if json && csv { throw ValidationError("--json and --csv exclude each other") }
    if predictions == nil {
      guard images != nil else { throw ValidationError("there is neither --images nor --predictions") }
      guard model != nil else { throw ValidationError("there is neither --model nor --predictions") }
    } else if model != nil || weights.weights != nil || probabilities != nil || resolution != .image
      || !imageOptions.isEmptyButForThreshold || imageOptions.threshold != nil
    {
      throw ValidationError("--predictions are compared as they are: there is no network, and no option for one")
    }
  }

  func run() throws {
    for file in [probabilities, html].compactMap({ $0 }) { try ImageFiles.requirePlace(for: file) }
    let colors = try drawing.colors()
    let pairs = try LabelledImages(
      images: predictions ?? images ?? "", masks: masks, subject: predictions == nil ? .images : .predictions,
      imageSuffix: imageSuffix, maskSuffix: maskSuffix, readsColors: colors != nil
    ).pairs
    var source = try makeSource()
    source.keepsProbabilities = probabilities != nil
    var classList = try drawing.classList(of: source.classes, source.name, network: source.classList)
    let survey = MaskSurvey(pairs, source.masks)
    try survey.requireMeaning(among: source.classes ?? 0)
    var evaluation = Evaluation(source, options: conventions.options(ignoring: source.masks.ignoreLabel))
    var gallery =
      html == nil
      ? nil
      : EvaluationGallery(
        .init(classes: classList, opacity: drawing.opacity, ignoreLabel: source.masks.ignoreLabel))
    let photos = try photographs()
    var arrays: [String: Tensor] = [:]
    var warnings: [String] = []
    let bar = ProgressBar(total: pairs.count)
    defer { bar.finish() }
    for (index, pair) in pairs.enumerated() {
      bar.update(index)
      let item = try source.item(pair)
      for line in item.warnings { printError("seg: \(line)") }
      warnings += item.warnings
      if index == 0 { try survey.requireClasses(beside: item.truth) }
      let score = try evaluation.add(pair, item)
      if let score {
        try gallery?.add(pair.name, score: score, item, photo: item.image ?? photo(photos[pair.mask]))
      }
      if probabilities != nil {
        arrays[pair.name.showingUndecodableBytes()] = try source.probabilities(item, of: pair)
      }
    }
    bar.finish()
    if let probabilities { try Failure.writing { try NPZ(arrays).write(to: probabilities) } }
    let classes = evaluation.metrics.classes
    if source.classes == nil {
      try survey.requireMeaning(among: classes)
      classList = try drawing.classList(of: classes, source.name)
    }
    let report = EvaluationReport(
      evaluation, conventions.metrics.figures, model: source.name, resolution: resolution.rawValue,
      names: classList.names, assumptions: source.assumptions, warnings: warnings)
    if let html {
      try EvaluationPage(report: report, classes: classList, gallery: gallery, showsLegend: !drawing.noLegend)
        .page.write(to: html)
    }
    if json {
      try printJSON(report)
    } else {
      try printLine(csv ? report.csv : report.text)
    }
  }

  private func makeSource() throws -> EvaluationSource {
    guard predictions == nil, let model else {
      return .labels(
        masks: try classOptions.maskReading(isBinary: classOptions.binary, drawing),
        classes: try classOptions.classes ?? drawing.names()?.count, workers: compute.backend.workers)
    }
    let segmenter = try Segmenter(NetworkSource(model), weights: weights.file, images: imageOptions, compute)
    segmenter.sayAssumptions()
    if let count = classOptions.classes, count != segmenter.classes {
      throw Failure(.usage, "--classes: \(segmenter.name) has \(segmenter.classes) classes, not \(count)")
    }
    return .network(
      segmenter, masks: try classOptions.maskReading(isBinary: segmenter.isBinary || classOptions.binary, drawing),
      resolution)
  }

  private func photo(_ path: String?) throws -> Image? {
    guard let path else { return nil }
    return try Image(contentsOf: path)
  }

  /// Returns the photographs that belong to label images, by the masks' paths.
  private func photographs() throws -> [String: String] {
    guard predictions != nil, html != nil, let images else { return [:] }
    return Dictionary(
      try LabelledImages(images: images, masks: masks, maskSuffix: maskSuffix).pairs.map { ($0.mask, $0.image) },
      uniquingKeysWith: { first, _ in first })
  }
}
