import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// Measures every algorithm on every distinct convolution of networks: time, rate, error, and the algorithm that the estimates choose.
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

  /// The largest error of an algorithm, with its layer.
  private struct Worst {
    var error = -1.0
    var place = ""
    var layers = 0
  }

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    var sections: [String] = []
    var worst: [String: Worst] = [:]
    for network in networks {
      let (title, layers) = try Layers.read(network)
      var lines = [
        "## \(title)", "", "| layer | times | algorithm: ms, rate, error (the chosen one bold) |", "|---|---|---|",
      ]
      for (layer, count) in layers {
        let comparison = try LayerComparison(layer, on: backend, rounds: rounds, within: within)
        let entries = comparison.entries.map { entry in
          let text =
            "\(entry.algorithm): \(entry.milliseconds.formatted(2)), \(entry.ratio.formatted(2)), \(entry.errorText)"
          return entry.algorithm == comparison.chosen ? "**\(text)**" : text
        }
        lines.append("| \(layer.description) | \(count) | \(entries.joined(separator: "; ")) |")
        for entry in comparison.entries {
          worst[entry.algorithm, default: Worst()].layers += 1
          if entry.error > worst[entry.algorithm]?.error ?? 0 {
            worst[entry.algorithm]?.error = entry.error
            worst[entry.algorithm]?.place = "\(layer.description), \(title)"
          }
        }
      }
      sections.append(lines.joined(separator: "\n") + "\n")
    }
    print("# Algorithms by layer\n")
    print(
      "\(backend.name), \(threads) threads, \(rounds) rounds. Times are medians in ms, rates ratios to sgemm 1024³ timed in turn; the error is "
        + "the largest difference from Double sums at some 50 pixels, in proportion to the largest output.\n")
    print("The largest error of each algorithm over the layers below that it applies to:\n")
    print("| algorithm | layers | largest error | where |\n|---|---|---|---|")
    for (algorithm, worst) in worst.sorted(by: { $0.key < $1.key }) {
      print("| \(algorithm) | \(worst.layers) | \(scientific(worst.error)) | \(worst.place) |")
    }
    print("\n" + sections.joined(separator: "\n"))
  }

  /// Returns a title and the layers of a network that an argument names. A file `net.onnx` has the name of its folder.
  private static func read(_ network: String) throws -> (String, [(layer: ConvolutionLayer, count: Int)]) {
    if network == "doubling" {
      return ("Doubling composed with the convolution behind it", ConvolutionLayer.doubling.map { ($0, 1) })
    }
    let graph = try NetworkGraph.make(network)
    let isFile = network.hasSuffix(".onnx")
    let name = network.split(separator: "/").last { $0 != "net.onnx" }.map(String.init)
    return (isFile ? name ?? graph.name : graph.name, try ConvolutionLayer.all(in: graph))
  }
}

/// The graph of a network of the registry or of an ONNX file.
enum NetworkGraph {
  static func make(_ name: String, size: Int? = nil) throws -> Graph {
    if name.hasSuffix(".onnx") { return try Graph(onnx: name) }
    guard let model = ModelRegistry.all.first(where: { $0.name == name }) else {
      throw ValidationError("there is no network \(name)")
    }
    return try model.makeGraph(size.map { Extent2D($0) } ?? model.defaultSize)
  }
}
