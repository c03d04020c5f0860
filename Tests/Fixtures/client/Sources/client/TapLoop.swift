import SegEngine

/// A convolution of an image of one channel: for each output pixel the taps one after the other, all output channels at once.
struct TapLoop: ConvolutionAlgorithm {
  static let method = ConvolutionMethod("tap loop") { problem, backend in TapLoop(problem) }
  var method: ConvolutionMethod { TapLoop.method }

  let problem: ConvolutionProblem

  /// It applies to a convolution of stride 1 of one input channel.
  init?(_ problem: ConvolutionProblem) {
    guard problem.direction == .forward, problem.inputChannels == 1, problem.geometry.stride == 1 else { return nil }
    self.problem = problem
  }

  /// A multiplication and an addition for each tap of each output.
  var work: WorkEstimate {
    var work = WorkEstimate()
    work.vectorOperations = 2 * Double(problem.macs)
    return work
  }

  /// The weights of a tap adjoin: `[kernelHeight, kernelWidth, out]`.
  var packedFormat: PackedFormat { PackedFormat(algorithm: "tap loop", elementType: .float32, order: "tap-major") }
  var packedCount: Int { problem.taps * problem.outputChannels }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    for channel in 0..<problem.outputChannels {
      for tap in 0..<problem.taps {
        packed[tap * problem.outputChannels + channel] = weights[channel * problem.taps + tap]
      }
    }
  }

  func scratchCount(threads: Int) -> Int { 0 }

  func run(_ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (g, channels) = (problem.geometry, problem.outputChannels)
    run.workers.forEach(problem.batch * problem.output.height) { index, _ in
      let (image, row) = index.quotientAndRemainder(dividingBy: problem.output.height)
      for column in 0..<problem.output.width {
        let y = run.y + (index * problem.output.width + column) * run.yStride
        if !run.accumulates { for channel in 0..<channels { y[channel] = 0 } }
        for tap in 0..<problem.taps {
          let i = row - g.padding.top + tap / g.kernel.width * g.dilation.height
          let j = column - g.padding.left + tap % g.kernel.width * g.dilation.width
          guard 0..<problem.input.height ~= i, 0..<problem.input.width ~= j else { continue }
          let x = run.x[((image * problem.input.height + i) * problem.input.width + j) * run.xStride]
          let weights = run.weights + tap * channels
          for channel in 0..<channels { y[channel] += weights[channel] * x }
        }
      }
      run.finish(pixel: index * problem.output.width, rows: problem.output.width, channels: channels)
    }
  }
}

/// The code of the article "Add a convolution algorithm".
func useAConvolutionAlgorithm() throws {
  let graph = try Graph("edges") { g in
    g.output("y", g.input("x", [1, 40, 50, 1]).conv("conv", 8, kernel: 3, dilation: 2).relu())
  }
  let parameters = Parameters(initializing: graph, seed: 1)
  var options = CompileOptions()
  options.convolutionAlgorithms = [TapLoop.method]
  let chosen = try graph.compiled(parameters: parameters, options: options)
  for candidate in chosen.stepInfos[0].candidates { print(candidate.name, candidate.estimatedSeconds) }

  options.algorithmChoice = .named("tap loop")
  let named = try graph.compiled(parameters: parameters, options: options)
  print(named.stepInfos[0].algorithm)
  let x = Tensor([1, 40, 50, 1], (0..<2000).map { Float($0 % 11) - 5 })
  let (a, b) = (try named.run(["x": x])["y"]!, try graph.compiled(parameters: parameters).run(["x": x])["y"]!)
  print(zip(a.elements(of: Float.self), b.elements(of: Float.self)).allSatisfy { abs($0 - $1) < 1e-4 })
}
