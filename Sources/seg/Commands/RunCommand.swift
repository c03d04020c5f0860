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
      height, width, channels], with --layout nchw [batch, channels, height, width]. A small input of an ONNX file may be given by \
      its numbers, as --input size=480,640.
      """)

  @Argument(help: .model)
  var model: String

  @OptionGroup var weights: WeightsOptions

  @Option(
    help: ArgumentHelp(
      "The .npz file with the inputs, or an input's name with its numbers.", valueName: "file|name=numbers"))
  var input: [String]

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

  func validate() throws {
    guard !input.isEmpty else { throw ValidationError("Missing expected argument '--input <file|name=numbers>'") }
  }

  func run() throws {
    try ImageFiles.requirePlace(for: output)
    let source = try NetworkSource(self.model, classes: classes)
    try layout.require(for: source)
    let backend = compute.backend
    let options = compute.options(for: backend, optimizes: !unoptimized)
    let outputs: [String: Tensor]
    if case .file(let file) = source {
      guard weights.file == nil else { throw NetworkError.weightsOfFile(path: file.path) }
      let network = try ONNXNetwork(file, on: backend, options: options)
      let inputs = try inputArrays(input, for: file)
      let name = input.joined(separator: " ")
      outputs = try Failure.about(name) {
        try network.run(inputs) { try requireMemory($0.runByteCount, for: name) }
      }
    } else {
      guard input.count == 1 else { throw Failure(.usage, "a named network takes one --input, a file of arrays") }
      let model = try source.reportedModel(
        weights: weights.file, on: backend, options: options, auxiliary: auxiliary)
      let inputs = try inputArrays(input[0], for: model.inputNames, layout: layout)
      try requireMemory(
        try Failure.about(input[0]) { try model.compiled(for: inputs.mapValues(\.shape)) }.runByteCount, for: input[0])
      outputs = try Failure.about(input[0]) { try model.run(inputs) }
    }
    try Failure.writing { try NPZ(layout.written(outputs)).write(to: output) }
  }
}
