import ArgumentParser
import SegEngine

/// Measures the speed-up by threads of narrow convolutions of large images, whose maps are divided into the most tiles.
struct Threads: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time of convolutions 3→16→2 of large images on one thread and on several, in turn.")

  @Argument(help: "Heights and widths of the images.") var sides = [1024, 2048, 4096]
  @Option(help: "Threads.") var threads = 2
  @Option(help: "Rounds.") var rounds = 7

  func run() throws {
    let backends = [1, threads].map { OpenBLASBackend(workers: WorkerPool(threads: $0)) }
    print("# \(backends[0].name): 3×3 convolutions 3→16→2, medians of \(rounds) rounds\n")
    print("| image | algorithms | 1 thread, ms | \(threads) threads, ms | faster by |\n|---|---|--:|--:|--:|")
    for side in sides {
      let graph = try Graph("narrow") { g in
        let x = g.input("x", [1, side, side, 3])
        g.output("y", x.conv("a", 16, kernel: 3).relu().conv("b", 2, kernel: 3))
      }
      let parameters = Parameters(initializing: graph, seed: 1)
      let runners = try backends.map { try NetworkRunner(graph, parameters, on: $0) }
      var contest = Contest()
      for runner in runners { contest.add("narrow") { runner.run() } }
      let seconds = contest.run(rounds: rounds).map(\.median)
      print(
        "| \(side)² | \(runners[1].algorithms.joined(separator: ", ")) | \((1000 * seconds[0]).formatted(1)) | "
          + "\((1000 * seconds[1]).formatted(1)) | \((seconds[0] / seconds[1]).formatted(2)) |")
    }
  }
}
