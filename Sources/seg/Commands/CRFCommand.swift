import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// The command `seg crf`: refines given probabilities with a conditional random field.
struct CRFCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crf", abstract: "Moves the borders of a segmentation to the edges of its image.",
    discussion: """
      Mean-field inference in a fully connected conditional random field on an image and the probabilities that any network gave \
      for it: [height, width, classes] of the image's size, each pixel's summing to 1. They are read from .npy, from .npz, and from TIFF \
      files with a band for each class, as `seg segment --output-format probabilities` and its kin write them.

      Example: seg crf photo.jpg --probabilities photo_probabilities.npz --output mask.png
      """)

  @Argument(help: "The image.")
  var image: String

  @Option(help: ArgumentHelp("The .npy, .npz or TIFF file of the probabilities.", valueName: "file"))
  var probabilities: String

  @Option(name: [.short, .customLong("output")], help: ArgumentHelp("The PNG file for the labels.", valueName: "file"))
  var output: String?

  @Option(help: ArgumentHelp("The PNG file for the image with the labels drawn over it.", valueName: "file"))
  var overlay: String?

  @Option(help: ArgumentHelp("The .npy file for the marginals.", valueName: "file"))
  var marginals: String?

  @OptionGroup(title: "Image files") var reading: ImageReadingOptions

  @OptionGroup(title: "Conditional random field") var crf: CRFOptions

  @OptionGroup(title: "Names and colours of classes") var drawing: DrawingOptions

  @OptionGroup var threads: ThreadOptions

  @Option(help: ArgumentHelp("Do it so often, and report the fastest time.", valueName: "count"))
  var repeats = 1

  @Flag(help: "Print what was done as JSON.")
  var json = false

  private struct Report: Encodable {
    let width: Int
    let height: Int
    let classes: Int
    let iterations: Int
    let milliseconds: Double
  }

  func validate() throws {
    if !(1...1000).contains(repeats) { throw ValidationError("--repeats is 1 to 1000, not \(repeats)") }
    if output == nil, overlay == nil, marginals == nil, !json {
      throw ValidationError("give --output, --overlay, --marginals or --json")
    }
  }

  func run() throws {
    for file in [output, overlay, marginals].compactMap({ $0 }) { try ImageFiles.requirePlace(for: file) }
    let image = try reading.image(self.image).image
    let values = try ProbabilityFile(path: probabilities).tensor()
    let classes = try drawing.classList(of: values.shape.channels, probabilities)
    let field = crf.field(.deepLab)
    try requireMemory(field.byteCount(for: image, classes: values.shape.channels), for: self.image)
    let backend = threads.backend
    var best = Double.infinity
    var result = values
    let clock = ContinuousClock()
    for _ in 0..<repeats {
      let start = clock.now
      do throws(CRFError) { result = try field(values, image: image, on: backend) } catch {
        throw Failure(.badInput, "\(probabilities): \(error)")
      }
      best = min(best, (clock.now - start) / .milliseconds(1))
    }
    if let marginals { try Failure.writing { try result.writeNPY(to: marginals) } }
    if output != nil || overlay != nil {
      let labels = LabelMap(probabilities: result)
      if let output { try Failure.writing { try labels.writePNG(to: output, palette: classes.palette) } }
      if let overlay {
        try Failure.writing {
          try image.overlaid(with: labels, classes: classes, opacity: drawing.opacity, legend: drawing.legend)
            .writePNG(to: overlay)
        }
      }
    }
    if json {
      try printJSON(
        Report(
          width: image.width, height: image.height, classes: values.shape.channels, iterations: field.iterations,
          milliseconds: best))
    }
  }
}
