import SegEngine
import SegIO

/// The time of a network with random weights and inputs.
struct NetworkTiming {
  /// The lower quartile of the run times, in seconds.
  let seconds: Double
  /// The memory of one run, without weights, inputs and outputs.
  let arenaByteCount: Int

  /// Compiles a graph and runs it once to warm up, then several times.
  init(_ graph: Graph, on backend: any Backend, options: CompileOptions) throws {
    let parameters = Parameters(repeatingNumbersFor: graph)
    let model = try graph.compiled(parameters: parameters, on: backend, options: options)
    arenaByteCount = model.arenaByteCount
    let inputs = model.inputs.map { Tensor($0.spec.shape, repeating: Float(0.5)) }
    seconds = try model.runSeconds(inputs, lasting: 0.3).lowerQuartile
  }
}
