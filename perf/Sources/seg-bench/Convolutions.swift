import ArgumentParser
import SegEngine
import SegIO

/// Measures each algorithm's rate on single layers, relative to sgemm 1024³ timed alternately in the same run.
struct Convolutions: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Rate of each convolution algorithm on dense and atrous layers, as a ratio to that of sgemm 1024³.")

  @Option(help: "Threads.") var threads = 1
  @Option(help: "Rounds.") var rounds = 9

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    print("# \(backend.name), \(threads) thread(s), \(rounds) rounds; rate to sgemm 1024³, error to the largest output")
    for layer in ConvolutionLayer.dense + ConvolutionLayer.atrous {
      let comparison = try LayerComparison(layer, on: backend, rounds: rounds, within: .infinity)
      print(
        layer.description.padded(52)
          + comparison.entries.map { "\($0.algorithm) \($0.ratio.formatted(2)) (\($0.errorText))" }.joined(
            separator: " | "))
    }
  }
}

/// All algorithms on one layer, alternating with sgemm 1024³.
struct LayerComparison {
  struct Entry {
    let algorithm: String
    /// The rate relative to sgemm's, counting the multiply–adds of the definition.
    let ratio: Double
    let milliseconds: Double
    let estimatedMilliseconds: Double
    /// The largest error relative to the largest output.
    let error: Double
    var errorText: String { scientific(error) }
  }

  let entries: [Entry]
  let chosen: String

  /// Times every algorithm whose estimated time is within a factor of the fastest.
  init(_ layer: ConvolutionLayer, on backend: OpenBLASBackend, rounds: Int, within: Double) throws {
    let profile = MachineProfile.stored(for: backend)
    let first = try PreparedLayer(layer, profile: profile, on: backend)
    chosen = first.algorithm
    let errors = LayerErrors(layer, first)
    let fastest = first.candidates.map(\.estimatedSeconds).min() ?? 0
    let candidates = first.candidates.filter { $0.estimatedSeconds <= within * fastest }
    let layers = try candidates.map {
      try PreparedLayer(layer, algorithm: $0.name, profile: profile, on: backend)
    }
    var contest = Contest()
    let square = SquareProduct(side: 1024, copies: backend.workers.threadCount, on: backend)
    contest.add("sgemm", macs: square.macs) { square.run() }
    for prepared in layers { contest.add(prepared.algorithm, macs: layer.macs) { prepared.run() } }
    let outcomes = contest.run(rounds: rounds)
    entries = zip(zip(candidates, layers), outcomes.dropFirst()).map { pair, outcome in
      Entry(
        algorithm: outcome.name, ratio: outcome.gigaflops / outcomes[0].gigaflops, milliseconds: 1000 * outcome.median,
        estimatedMilliseconds: 1000 * pair.0.estimatedSeconds, error: errors.largest(of: pair.1.result))
    }
  }
}

/// Formats a small number with one digit, such as 3e-07.
func scientific(_ value: Double) -> String {
  guard value > 0 else { return "0" }
  var (mantissa, exponent) = (value, 0)
  while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
  while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
  return "\(mantissa.formatted(1))e\(exponent)"
}
