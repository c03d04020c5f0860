import ArgumentParser
import SegEngine
import SegIO

/// Measures what a convolution costs in training: the forward pass with weights that are computed, the gradient of the input, and that of the
/// weights.
struct Gradients: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Forward pass with computed weights, input gradient and weight gradient of single layers; writes a Markdown table."
  )

  @Option(help: "Threads.") var threads = 2
  @Option(help: "Rounds.") var rounds = 9
  @Option(help: "One algorithm for all of them, where it applies.") var algorithm: String?

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    print(
      "\(backend.name), \(threads) threads, \(rounds) rounds in turns: medians in ms, and the rate by the definition's multiply–adds in "
        + "proportion to sgemm 1024³.\n")
    print("| layer | forward | input gradient | weight gradient |\n|---|---|---|---|")
    for layer in ConvolutionLayer.training {
      var contest = Contest()
      let square = SquareProduct(side: 1024, copies: threads, on: backend)
      contest.add("sgemm", macs: square.macs) { square.run() }
      let passes = try TrainingPass.all(of: layer, algorithm: algorithm, on: backend)
      for pass in passes { contest.add(pass.algorithm, macs: layer.macs) { pass.run() } }
      let outcomes = contest.run(rounds: rounds)
      let cells = outcomes.dropFirst().map { outcome in
        "\((1000 * outcome.median).formatted(2)), \((outcome.gigaflops / outcomes[0].gigaflops).formatted(2)) "
          + "\(outcome.name)"
      }
      print("| \(layer.input.batch)× \(layer.description) | \(cells.joined(separator: " | ")) |")
    }
  }
}

/// One of the three convolutions of a layer in training, all of whose operands are inputs of the graph.
final class TrainingPass {
  let algorithm: String
  private let model: CompiledModel
  private let workspace: Workspace
  private let inputs: [Tensor]
  private var outputs: [Tensor]

  /// Makes a graph of one operator with two operands.
  private init(
    _ operation: some Operator, _ first: Shape, _ second: Shape, algorithm: String?, on backend: OpenBLASBackend
  ) throws {
    let graph = try Graph("pass") { g in
      let operand = g.input("first", first)
      g.output("result", operand.apply(operation, named: "pass", with: [g.input("second", second)]))
    }
    var options = CompileOptions(profile: .stored(for: backend))
    if let algorithm { options.algorithmChoice = .named(algorithm) }
    model = try graph.compiled(on: backend, options: options)
    self.algorithm = model.stepInfos[0].algorithm
    workspace = model.makeWorkspace()
    var generator = SeededGenerator(seed: 2)
    inputs = model.inputs.map { input in
      let shape = input.spec.shape
      return Tensor(shape, (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) })
    }
    outputs = [Tensor(zeros: model.outputs[0].spec.shape)]
  }

  func run() {
    do {
      try model.run(inputs, into: &outputs, using: workspace)
    } catch {
      preconditionFailure("the pass's own tensors fit it: \(error)")
    }
  }

  /// Makes the forward pass, the input gradient and the weight gradient of a layer that is not transposed.
  static func all(
    of layer: ConvolutionLayer, algorithm: String?, on backend: OpenBLASBackend
  ) throws -> [TrainingPass] {
    let (geometry, output) = (layer.geometry, layer.output)
    let y: Shape = [layer.input.batch, output.height, output.width, layer.outputs]
    let weights: Shape = [
      layer.outputs, layer.input.channels / geometry.groups, geometry.kernel.height, geometry.kernel.width,
    ]
    // Rows and columns of the input beyond the last window.
    let size = geometry.transposedOutputSize(of: output)
    let rest = Extent2D(height: layer.input.height - size.height, width: layer.input.width - size.width)
    return [
      try TrainingPass(Convolution(geometry), layer.input, weights, algorithm: algorithm, on: backend),
      try TrainingPass(
        TransposedConvolution(geometry, outputPadding: rest), y, weights, algorithm: algorithm, on: backend),
      try TrainingPass(ConvolutionWeightGradient(geometry), layer.input, y, algorithm: algorithm, on: backend),
    ]
  }
}

extension ConvolutionLayer {
  /// Layers of networks in training: U-Net, ResNet-50 with dilations, MobileNetV3.
  static let training: [ConvolutionLayer] = [
    layer(64, 64, side: 256), layer(128, 128, side: 128), layer(256, 256, side: 64), layer(512, 512, side: 32),
    layer(1024, 1024, side: 16), layer(512, 512, side: 28, dilation: 2, batch: 2),
    layer(2048, 512, side: 28, kernel: 1, batch: 2), layer(256, 64, side: 56, kernel: 1, batch: 2),
    layer(64, 128, side: 128, stride: 2, batch: 2), layer(256, 512, side: 56, kernel: 1, stride: 2, batch: 2),
    layer(3, 64, side: 224, kernel: 7, stride: 2, batch: 2), layer(16, 96, side: 128, kernel: 1, batch: 4),
    layer(240, 240, side: 32, kernel: 5, groups: 240, batch: 2),
    layer(96, 96, side: 128, stride: 2, groups: 96, batch: 4), layer(960, 960, side: 14, groups: 960, batch: 4),
  ]

  private static func layer(
    _ inputs: Int, _ outputs: Int, side: Int, kernel: Int = 3, stride: Int = 1, dilation: Int = 1, groups: Int = 1,
    batch: Int = 1
  ) -> ConvolutionLayer {
    ConvolutionLayer(
      geometry: ConvolutionGeometry(
        kernel: Extent2D(kernel), stride: Extent2D(stride), dilation: Extent2D(dilation),
        padding: Padding2D(dilation * (kernel - 1) / 2), groups: groups),
      input: [batch, side, side, inputs], outputs: outputs, hasBias: false)
  }
}
