import SegEngine
import SegIO

/// The time of a network with random weights and inputs.
struct NetworkTiming {
  /// The lower quartile of the runs, in seconds.
  let seconds: Double
  /// The memory of a run besides weights, inputs and outputs.
  let arenaByteCount: Int

  /// Compiles a graph and runs it, once that does not count and then at least `rounds` times.
  init(_ graph: Graph, on backend: any Backend, options: CompileOptions, rounds: Int = 5) throws {
    let parameters = Parameters(repeatingNumbersFor: graph)
    let model = try graph.compiled(parameters: parameters, on: backend, options: options)
    arenaByteCount = model.arenaByteCount
    let inputs = model.inputs.map { Tensor($0.spec.shape, repeating: Float(0.5)) }
    var outputs = model.outputs.map { Tensor(zeros: $0.spec.shape, of: $0.spec.elementType) }
    let workspace = model.makeWorkspace()
    try model.run(inputs, into: &outputs, using: workspace)
    let clock = ContinuousClock()
    var times: [Double] = []
    while times.count < rounds || (times.reduce(0, +) < 0.3 && times.count < 40) {
      times.append(try clock.measure { try model.run(inputs, into: &outputs, using: workspace) } / .seconds(1))
    }
    seconds = times.lowerQuartile
  }
}
