import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// Height and width on the command line, such as `512x256` or `512`.
struct SizeArgument: ExpressibleByArgument {
  let extent: Extent2D

  init(_ extent: Extent2D) { self.extent = extent }

  init?(argument: String) {
    let parts = argument.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "x" || $0 == "×" })
      .map { Int($0) }
    guard (1...2).contains(parts.count), let height = parts[0], let width = parts[parts.count - 1],
      (1...65536).contains(height), (1...65536).contains(width)
    else { return nil }
    extent = Extent2D(height: height, width: width)
  }
}

/// A network with its weights and image options.
struct ModelOptions: ParsableArguments {
  @Option(help: .modelOrDefault)
  var model = BundledWeights.defaultNetwork

  @OptionGroup var weights: WeightsOptions

  @Option(help: .classes)
  var classes: Int?

  @OptionGroup(title: "Images in, labels out (ONNX files)") var images: ImageOptions

  @OptionGroup var compute: ComputeOptions

  /// Whether no network was named.
  var isDefault: Bool { model == BundledWeights.defaultNetwork && weights.weights == nil }

  func makeSegmenter(on backend: OpenBLASBackend? = nil) throws -> Segmenter {
    try Segmenter(
      NetworkSource(model, classes: classes), weights: weights.file, images: images, compute,
      on: backend)
  }
}

/// Preprocessing and postprocessing, which an ONNX file does not state. Each option overrides the settings file.
struct ImageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A JSON file with the settings below; by default net.json beside net.onnx, where it is there.", valueName: "file")
  )
  var settings: String?

  @Option(help: ArgumentHelp("Height and width that images are brought to, as 512x256 or 512.", valueName: "size"))
  var inputSize: SizeArgument?

  @Option(help: ArgumentHelp("`stretch` or `letterbox` images to that size.", valueName: "way"))
  var fit: String?

  @Option(
    help: ArgumentHelp(
      """
      How images are resized: `antialiased` as Pillow and torchvision do it, `bilinear` between two pixels as OpenCV does it, `nearest`, \
      `area`, `bicubic` or `lanczos`.
      """, valueName: "filter"))
  var resampling: String?

  @Option(
    help: ArgumentHelp(
      "What images that keep their size are padded to a multiple of; by default what the network's strides ask for, or 32.",
      valueName: "pixels"))
  var multiple: Int?

  @Option(
    help: ArgumentHelp("`rgb`, `bgr`, `grey`, or `bands`: the samples of a pixel as they lie.", valueName: "order"))
  var channels: String?

  @Option(
    help: ArgumentHelp(
      "What the value 1 is: `white`, `imageMaximum`, `percentiles` (0.1 % to 99.9 % of the image's values become 0 to 1) or `step` (values from 0 to 255).",
      valueName: "range"))
  var range: String?

  @Option(help: ArgumentHelp("Subtracted from each channel, as 0.485,0.456,0.406.", valueName: "numbers"))
  var mean: NumberList?

  @Option(help: ArgumentHelp("What each channel is divided by, as 0.229,0.224,0.225.", valueName: "numbers"))
  var deviation: NumberList?

  @Option(
    help: ArgumentHelp(
      "The order of axes of the image input: `nchw`, `nhwc`, `chw`, `hwc`, `nhw` or `hw`.", valueName: "layout"))
  var imageLayout: String?

  @Option(
    help: ArgumentHelp(
      """
      What the output is: `logits`, `probabilities`, `saliency`, `labels`, or `multilabel` (logits, unless probabilities are proven) and \
      `multilabelProbabilities`: classes that do not exclude each other, of which the largest above the threshold wins, else label 0.
      """, valueName: "kind"))
  var outputKind: String?

  @Option(
    help: ArgumentHelp("The output that is the segmentation, by its name in the file.", valueName: "name"))
  var outputName: String?

  @Option(
    help: ArgumentHelp(
      "The probability above which a network of one output channel says foreground; by default the network's own.",
      valueName: "probability"))
  var threshold: Float?

  func validate() throws {
    if let threshold, !(threshold > 0 && threshold < 1) {
      throw ValidationError("--threshold lies between 0 and 1, not \(threshold)")
    }
    if let outputKind, PredictionSettings.Output(rawValue: outputKind) == nil {
      let kinds = PredictionSettings.Output.allCases.map(\.rawValue)
      throw ValidationError(
        "--output-kind is one of \(kinds.joined(separator: ", ")), not \(outputKind)\(outputKind.suggestion(among: kinds))"
      )
    }
  }

  /// Whether no option is given, except perhaps the threshold.
  var isEmptyButForThreshold: Bool {
    var said = asSettings
    said.threshold = nil
    return settings == nil && said == PredictionSettings()
  }

  /// The options as settings.
  var asSettings: PredictionSettings {
    var settings = PredictionSettings()
    settings.size = inputSize.map { [$0.extent.height, $0.extent.width] }
    settings.fit = fit
    settings.channels = channels
    settings.resampling = resampling
    settings.multiple = multiple
    settings.range = range
    settings.mean = mean?.values
    settings.deviation = deviation?.values
    settings.layout = imageLayout
    settings.outputName = outputName
    settings.output = outputKind.flatMap(PredictionSettings.Output.init(rawValue:))
    settings.threshold = threshold
    return settings
  }
}

/// Numbers on the command line, such as `0.485,0.456,0.406`.
struct NumberList: ExpressibleByArgument {
  let values: [Float]

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
    guard !numbers.contains(nil) else { return nil }
    values = numbers.compactMap { $0 }
  }
}

extension ArgumentHelp {
  static let model = ArgumentHelp(
    "The network: a name (`seg models` lists them) or an ONNX file.", valueName: "name-or-file")
  static let modelOrDefault = ArgumentHelp(
    "The network: a name (`seg models` lists them) or an ONNX file. \(BundledWeights.defaultNetwork) finds the salient object of a photo.",
    valueName: "name-or-file")
  static let weights = ArgumentHelp(
    """
    The weights: safetensors, .npz or a PyTorch .pth file. An ONNX file has its own, and so have \
    \(BundledWeights.networks.joined(separator: ", ")), whose weights are part of the program.
    """, valueName: "file")
  static let classes = ArgumentHelp(
    "Logits for each pixel of a named network whose checkpoint has another number than `seg models` says.",
    valueName: "number")
  static let size = ArgumentHelp(
    "Height and width of the input, as 512x256 or 512; by default the network's own.", valueName: "size")
}
