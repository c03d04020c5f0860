import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// Every algorithm on every different convolution of networks: time, rate, error, and which the estimates choose.
struct Layers: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Every algorithm on every convolution of networks, with its error; writes a Markdown table.")

  @Argument(
    help: "Networks: names, ONNX files, or `doubling`, a decoder's transposed convolutions of four by four taps.")
  var networks: [String]
  @Option(help: "Threads.") var threads = 2
  @Option(help: "Rounds.") var rounds = 5
  @Option(help: "Algorithms that are estimated to take longer than the fastest by this factor are left out.")
  var within = 3.0

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    print("# Algorithms by layer\n")
    print(
      "\(backend.name), \(threads) threads, \(rounds) rounds. Times are medians in ms, rates ratios to sgemm 1024³ timed in turn; the error is "
        + "the largest difference from Double sums at some 50 pixels, in proportion to the largest output.\n")
    for network in networks {
      var (title, layers) = (
        "Doubling composed with the convolution behind it", ConvolutionLayer.doubling.map { (layer: $0, count: 1) }
      )
      if network != "doubling" {
        let graph = try NetworkGraph.make(network)
        (title, layers) = (graph.name, try ConvolutionLayer.all(in: graph))
      }
      print("## \(title)\n\n| layer | times | algorithm: ms, rate, error (the chosen one bold) |\n|---|---|---|")
      for (layer, count) in layers {
        let comparison = try LayerComparison(layer, on: backend, rounds: rounds, within: within)
        let entries = comparison.entries.map { entry in
          let text =
            "\(entry.algorithm): \(entry.milliseconds.formatted(2)), \(entry.ratio.formatted(2)), \(entry.errorText)"
          return entry.algorithm == comparison.chosen ? "**\(text)**" : text
        }
        print("| \(layer.description) | \(count) | \(entries.joined(separator: "; ")) |")
      }
      print("")
    }
  }
}

/// A network's graph by a name of the registry or from an ONNX file.
enum NetworkGraph {
  static func make(_ name: String, size: Int? = nil) throws -> Graph {
    if name.hasSuffix(".onnx") { return try Graph(onnx: name) }
    guard let model = ModelRegistry.all.first(where: { $0.name == name }) else {
      throw ValidationError("there is no network \(name)")
    }
    return try model.makeGraph(size.map { Extent2D($0) } ?? model.defaultSize)
  }
}
