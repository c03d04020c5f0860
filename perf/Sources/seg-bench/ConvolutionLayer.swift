import SegEngine

/// A convolution or transposed convolution of a network, with the shape of its input.
struct ConvolutionLayer: Hashable {
  var isTransposed = false
  let geometry: ConvolutionGeometry
  let input: Shape
  let outputs: Int
  let hasBias: Bool

  var output: Extent2D {
    let size = Extent2D(height: input.height, width: input.width)
    return isTransposed ? geometry.transposedOutputSize(of: size) : geometry.outputSize(of: size)
  }

  var macs: Double {
    let taps = geometry.kernel.height * geometry.kernel.width * input.channels / geometry.groups
    let pixels = isTransposed ? input.height * input.width : output.height * output.width
    return Double(input.batch * pixels * outputs * taps)
  }

  var description: String {
    "\(input.channels)→\(outputs) \(isTransposed ? "transposed " : "")\(geometry), \(input.height)×\(input.width)"
  }

  /// Makes a `kernel` × `kernel` convolution of a map with `side`² pixels, padded to keep the size.
  static func same(
    _ inputs: Int, _ outputs: Int, side: Int, kernel: Int = 3, dilation: Int = 1
  ) -> ConvolutionLayer {
    ConvolutionLayer(
      geometry: ConvolutionGeometry(
        kernel: Extent2D(kernel), dilation: Extent2D(dilation), padding: Padding2D(dilation * (kernel - 1) / 2)),
      input: [1, side, side, inputs], outputs: outputs, hasBias: true)
  }

  /// The layers in the design's table of measured rates.
  static let dense: [ConvolutionLayer] =
    [(64, 256), (128, 128), (256, 64), (512, 64), (512, 32), (1024, 16)].map { same($0, $0, side: $1) }

  /// Transposed convolutions with 4 × 4 taps, as in the decoder of a U-Net for 256² pixels after its upsampling has been composed with
  /// the following convolution.
  static let doubling: [ConvolutionLayer] = [(512, 32), (256, 64), (128, 128)].map { channels, side in
    ConvolutionLayer(
      isTransposed: true, geometry: ConvolutionGeometry(kernel: 4, stride: 2, padding: 1),
      input: [1, side, side, channels], outputs: channels / 2, hasBias: true)
  }

  /// DeepLab's atrous layer with its rates.
  static let atrous: [ConvolutionLayer] = [6, 12, 18, 24, 36].map { same(512, 256, side: 64, dilation: $0) }

  /// Returns the distinct convolutions and transposed convolutions of a graph, in order, with the number of times each occurs. Transposed
  /// ones are returned without output padding.
  static func all(in graph: Graph) throws -> [(layer: ConvolutionLayer, count: Int)] {
    let specs = try graph.specs(forInputs: [:])
    var found: [(layer: ConvolutionLayer, count: Int)] = []
    for node in graph.nodes {
      let shapes = graph.specs(ofInputsOf: node, among: specs)
      let layer: ConvolutionLayer
      if let convolution = node.operator as? Convolution {
        layer = ConvolutionLayer(
          geometry: convolution.geometry, input: shapes[0].shape, outputs: shapes[1].shape[0], hasBias: true)
      } else if let convolution = node.operator as? TransposedConvolution, convolution.outputPadding == 0 {
        layer = ConvolutionLayer(
          isTransposed: true, geometry: convolution.geometry, input: shapes[0].shape,
          outputs: shapes[1].shape[1] * convolution.geometry.groups, hasBias: true)
      } else {
        continue
      }
      if let index = found.firstIndex(where: { $0.layer == layer }) {
        found[index].count += 1
      } else {
        found.append((layer, 1))
      }
    }
    return found
  }
}

/// A layer with random weights and inputs, compiled for one algorithm, with bias and ReLU.
final class PreparedLayer {
  let algorithm: String
  let candidates: [AlgorithmCandidate]
  let input: [Float]
  let weights: [Float]
  let bias: [Float]
  private let model: CompiledModel
  private let workspace: Workspace
  private let inputs: [Tensor]
  private var outputs: [Tensor]

  /// Prepares the layer with the named algorithm, or with the one that is estimated to be the fastest.
  init(_ layer: ConvolutionLayer, algorithm: String? = nil, profile: MachineProfile, on backend: OpenBLASBackend) throws
  {
    var generator = SeededGenerator(seed: 2)
    func random(_ shape: Shape, _ range: ClosedRange<Float>) -> Tensor {
      Tensor(shape, (0..<shape.elementCount).map { _ in Float.random(in: range, using: &generator) })
    }
    let geometry = layer.geometry
    let inputs = layer.input.channels / geometry.groups
    // Weights have He's scale, so that outputs have the inputs' scale; inputs are as after a ReLU.
    let area = layer.isTransposed ? geometry.stride.height * geometry.stride.width : 1
    let fanIn = Float(inputs * geometry.kernel.height * geometry.kernel.width) / Float(area)
    let outputs = layer.outputs / geometry.groups
    let weight = random(
      layer.isTransposed
        ? [layer.input.channels, outputs, geometry.kernel.height, geometry.kernel.width]
        : [layer.outputs, inputs, geometry.kernel.height, geometry.kernel.width],
      -(6 / fanIn).squareRoot()...(6 / fanIn).squareRoot())
    let shift = random([layer.outputs], -0.1...0.1)
    let x = random(layer.input, 0...1)
    let graph = try Graph("layer") { g in
      let map = g.input("x", layer.input)
      let parameters = [g.constant(weight), g.constant(shift)]
      let y =
        layer.isTransposed
        ? map.apply(TransposedConvolution(geometry), named: "conv", with: parameters)
        : map.apply(Convolution(geometry), named: "conv", with: parameters)
      g.output("y", y.relu())
    }
    var options = CompileOptions(profile: profile)
    if let algorithm { options.algorithmChoice = .named(algorithm) }
    model = try graph.compiled(on: backend, options: options)
    self.algorithm = model.stepInfos[0].algorithm
    candidates = model.stepInfos[0].candidates
    workspace = model.makeWorkspace()
    self.inputs = [x]
    self.outputs = [Tensor(zeros: model.outputs[0].spec.shape)]
    input = x.elements()
    weights = weight.elements()
    bias = shift.elements()
  }

  func run() {
    do {
      try model.run(inputs, into: &outputs, using: workspace)
    } catch {
      preconditionFailure("the layer's own tensors fit it: \(error)")
    }
  }

  /// The result of the last run.
  var result: [Float] { outputs[0].elements() }
}
