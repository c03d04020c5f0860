import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// The command `seg segment`: writes masks and overlays of images.
struct SegmentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "segment", abstract: "Segments images.",
    discussion: """
      For each image it writes <directory>/NAME.png, a palette image of labels, and with --overlay <directory>/NAME_overlay.png. \
      Where an image fails the others are still segmented, and the exit code is that of the first failure.

      Example: seg segment eye.png --model pupil-unet --weights pupil-unet.safetensors --output masks --overlay
      """)

  @Argument(
    help: "The images: PNG, JPEG, TIFF, WebP, BMP, GIF, netpbm, .npy, and HEIF and AVIF where libheif is installed.")
  var images: [String]

  @OptionGroup(title: "Image files") var reading: ImageReadingOptions

  @OptionGroup var model: ModelOptions

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp("The directory for the masks; made where it is not there.", valueName: "directory"))
  var output: String

  @OptionGroup(title: "Images too large for one run") var tiles: TileOptions

  @OptionGroup(title: "Several views of each image") var views: ViewOptions

  @Flag(help: "Move the borders to the edges of the image by a fully connected conditional random field.")
  var crf = false

  @OptionGroup(title: "Conditional random field") var crfOptions: CRFOptions

  @Flag(help: "Also write the image with the labels drawn over it.")
  var overlay = false

  @Flag(help: "Print what was done as JSON.")
  var json = false

  func validate() throws {
    guard tiles.size == nil || !crf && views.views == nil else {
      throw ValidationError("tiles are segmented as they are: no --crf, no further views")
    }
  }

  private struct Report: Encodable {
    struct Entry: Encodable {
      let image: String
      let mask: String
      let overlay: String?
      let width: Int
      let height: Int
      let milliseconds: Double
      /// The number of pixels of each label.
      let pixels: [String: Int]
      /// The warnings about the image's file.
      let warnings: [String]
    }
    struct Problem: Encodable {
      let image: String
      let error: String
    }
    var images: [Entry] = []
    var failures: [Problem] = []
    /// The assumptions about the network.
    var assumptions: [String] = []
  }

  func run() throws {
    try checkTargets()
    let segmenter = try model.makeSegmenter()
    let tiling = try tiles.tiling { try segmenter.graph($0.extent) }
    segmenter.sayAssumptions()
    try ImageFiles.makeDirectory(output)
    let bar = ProgressBar(total: images.count)
    defer { bar.finish() }
    var report = Report()
    report.assumptions = segmenter.assumptions
    var worst: Failure?
    for (index, image) in images.enumerated() {
      bar.update(index)
      do {
        report.images.append(try segment(image, segmenter, tiling))
      } catch {
        // The other images are still processed. The first failure decides the exit code.
        guard let failure = Failure(error) else { throw error }
        bar.finish()
        failure.report()
        report.failures.append(.init(image: image, error: failure.message))
        worst = worst ?? failure
      }
    }
    bar.finish()
    if json { try printJSON(report) }
    if let worst { throw worst.exitCode }
  }

  /// Returns the files that are written for an image.
  private func targets(of image: String) -> [String] {
    let stem = ImageFiles.join(output, ImageFiles.stem(image))
    return overlay ? [stem + ".png", stem + "_overlay.png"] : [stem + ".png"]
  }

  /// Throws an error if two images would be written to one file, or an output would overwrite an image.
  private func checkTargets() throws {
    let inputs = Dictionary(images.map { (ImageFiles.resolved($0), $0) }, uniquingKeysWith: { first, _ in first })
    var taken: [String: String] = [:]
    for image in images {
      for target in targets(of: image) {
        if let other = taken.updateValue(image, forKey: target) {
          throw Failure(.usage, "\(other) and \(image) would both be written as \(target)")
        }
        if let input = inputs[ImageFiles.resolved(target)] {
          throw Failure(.usage, "\(image): its mask or overlay \(target) would replace the image \(input)")
        }
      }
    }
  }

  private func segment(_ path: String, _ segmenter: Segmenter, _ tiling: Tiling?) throws -> Report.Entry {
    let (image, warnings) = try reading.image(path, for: segmenter.predictor.preprocessing)
    let clock = ContinuousClock()
    let start = clock.now
    let labels: LabelMap
    if let tiling {
      labels = try Failure.about(path) { try segmenter.predictor.labels(for: image, in: tiling) }
    } else if crf || views.views != nil {
      labels = try segmenter.refinedLabels(
        of: image, of: path, views: views.views ?? .none,
        crf: crf ? crfOptions.field(segmenter.predictor.refinement) : nil)
    } else {
      labels = try segmenter.prediction(for: image, of: path).labels
    }
    let milliseconds = (clock.now - start) / .milliseconds(1)
    let targets = targets(of: path)
    let mask = targets[0]
    try Failure.writing { try labels.writePNG(to: mask) }
    var overlayPath: String?
    if overlay {
      try Failure.writing { try image.overlaid(with: labels).writePNG(to: targets[1]) }
      overlayPath = targets[1]
    }
    var pixels: [String: Int] = [:]
    for label in labels.labels { pixels["\(label)", default: 0] += 1 }
    return .init(
      image: path, mask: mask, overlay: overlayPath, width: image.width, height: image.height,
      milliseconds: milliseconds, pixels: pixels, warnings: warnings)
  }
}
