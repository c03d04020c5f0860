import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// The command `seg export`: writes a network as an ONNX file.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Writes a network with its weights as an ONNX file, for other programs.",
    discussion: """
      Images are [batch, channels, height, width] in the file. It takes images of one size, and any number of them. How images are \
      prepared and what the output means is written beside it, as net.json beside net.onnx; `seg segment --model net.onnx` reads both.
      """)

  @Argument(help: .model)
  var model: String

  @OptionGroup var weights: WeightsOptions

  @Option(name: .shortAndLong, help: ArgumentHelp("The ONNX file.", valueName: "file"))
  var output: String

  @Option(help: .size)
  var size: SizeArgument?

  @Option(help: .classes)
  var classes: Int?

  @Option(
    help: ArgumentHelp("Draw the weights at random from this number instead of reading them.", valueName: "number"))
  var seed: UInt64?

  @Flag(help: "Fix the number of images at one.")
  var fixedBatch = false

  @Flag(
    help: "Write the weights to a file of their own, net.onnx.data beside net.onnx; those of 2 GiB or more always are.")
  var externalData = false

  func validate() throws {
    guard output.lowercased().hasSuffix(".onnx") else {
      throw ValidationError("--output is a file that ends in .onnx, not \(output)")
    }
    guard seed == nil || weights.weights == nil else {
      throw ValidationError("--seed and --weights exclude each other")
    }
  }

  func run() throws {
    try ImageFiles.requirePlace(for: output)
    let source = try NetworkSource(model, classes: classes)
    // Another size than that of the images would be reached by stretching them.
    if size == nil, case .named(_, .some) = source {
      throw Failure(
        .usage, "\(model): a trained network takes images of any size: --size says which size the file takes")
    }
    let (graph, settings) = try source.exportedGraph(for: size?.extent)
    let parameters: Parameters
    if let seed {
      parameters = Parameters(initializing: graph, seed: seed)
    } else if let loaded = try source.reportedParameters(weights.file, for: graph) {
      parameters = loaded
    } else {
      throw NetworkError.noWeights(name: source.name)
    }
    try graph.writeONNX(to: output, parameters: parameters, opensBatch: !fixedBatch, externalData: externalData)
    try Failure.writing { try settings.write(beside: output) }
  }
}
