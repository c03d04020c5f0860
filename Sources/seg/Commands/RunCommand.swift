import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// The command `seg run`: runs a network on arrays, for comparison with another implementation.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a network on named arrays.",
    discussion: """
      The arrays of the input file are the network's inputs by name (a file of one array may name it as it likes); the output \
      file gets the network's outputs by name. Both are as an ONNX file has them; of a named network, feature maps are [batch, \
      height, width, channels], with --layout nchw [batch, channels, height, width].
      """)

  @Argument(help: .model)
  var model: String

  @OptionGroup var weights: WeightsOptions

  @Option(help: ArgumentHelp("The .npz file with the inputs.", valueName: "file"))
  var input: String

  @Option(help: ArgumentHelp("The .npz file for the outputs.", valueName: "file"))
  var output: String

  @Option(help: "The order of the axes of a named network's feature maps in both files.")
  var layout: ArrayLayout = .nhwc

  @Option(help: .classes)
  var classes: Int?

  @Flag(help: "Give the outputs of a named network's auxiliary heads, which training needs, besides.")
  var auxiliary = false

  @Flag(help: "Run each operator as it is written: no folding, no fusing.")
  var unoptimized = false

  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try ImageFiles.requirePlace(for: output)
    let source = try NetworkSource(self.model, classes: classes)
    let backend = compute.backend
    let model = try source.reportedModel(
      weights: weights.file, on: backend, options: compute.options(for: backend, optimizes: !unoptimized),
      auxiliary: auxiliary)
    try layout.require(for: source)
    let inputs = try inputArrays(input, for: model.inputNames, layout: layout)
    try requireMemory(
      try Failure.about(input) { try model.compiled(for: inputs.mapValues(\.shape)) }.runByteCount, for: input)
    let outputs = try Failure.about(input) { try model.run(inputs) }
    try Failure.writing { try NPZ(layout.written(outputs)).write(to: output) }
  }
}
