import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// `seg segment`: masks and overlays of images.
struct SegmentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "segment", abstract: "Segments images.",
    discussion: "Writes DIR/NAME.png, a palette image of labels, for each image, and with --overlay DIR/NAME_overlay.png.")

  @Argument(help: "The images: PNG, JPEG or TIFF.")
  var images: [String]

  @OptionGroup var model: ModelOptions

  @Option(name: [.short, .customLong("output")], help: "The directory for the masks; made where it is not there.")
  var output: String

  @Flag(help: "Also write the image with the labels drawn over it.")
  var overlay = false

  @Flag(help: "Print what was done as JSON.")
  var json = false

  private struct Report: Encodable {
    struct Entry: Encodable {
      let image: String
      let mask: String
      let overlay: String?
      let width: Int
      let height: Int
      let milliseconds: Double
      /// Pixels by label.
      let pixels: [String: Int]
    }
    struct Problem: Encodable {
      let image: String
      let error: String
    }
    var images: [Entry] = []
    var failures: [Problem] = []
  }

  func run() throws {
    var taken: [String: String] = [:]
    for image in images {
      if let other = taken.updateValue(image, forKey: ImageFiles.stem(image)) {
        throw Failure(.usage, "\(other) and \(image) would both be written as \(ImageFiles.stem(image)).png")
      }
    }
    let predictor = try model.makePredictor()
    try ImageFiles.makeDirectory(output)
    let bar = ProgressBar(total: images.count)
    var report = Report()
    var worst: Failure?
    for (index, image) in images.enumerated() {
      bar.update(index)
      do {
        report.images.append(try segment(image, predictor))
      } catch {
        // The other images are worth having; the first failure decides the exit code.
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

  private func segment(_ path: String, _ predictor: Predictor) throws -> Report.Entry {
    let image = try Image(contentsOf: path)
    let clock = ContinuousClock()
    let start = clock.now
    let prediction = try Failure.about(path) { try predictor(image) }
    let milliseconds = (clock.now - start) / .milliseconds(1)
    let mask = ImageFiles.join(output, ImageFiles.stem(path) + ".png")
    try Failure.writing { try prediction.labels.writePNG(to: mask) }
    var overlayPath: String?
    if overlay {
      let target = ImageFiles.join(output, ImageFiles.stem(path) + "_overlay.png")
      try Failure.writing { try image.overlaid(with: prediction.labels).writePNG(to: target) }
      overlayPath = target
    }
    var pixels: [String: Int] = [:]
    for label in prediction.labels.labels { pixels["\(label)", default: 0] += 1 }
    return .init(
      image: path, mask: mask, overlay: overlayPath, width: image.width, height: image.height,
      milliseconds: milliseconds, pixels: pixels)
  }
}
