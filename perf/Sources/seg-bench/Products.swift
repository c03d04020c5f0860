import ArgumentParser
import SegEngine

/// Measures the rate of products with shapes of networks, relative to the machine's roofs.
struct Products: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Rates of sgemm and of products with packed panels over the shapes of networks' layers.")

  @Option(help: "Threads.") var threads = 1
  @Option(help: "Rounds.") var rounds = 9

  /// Rows (pixels or tokens) of a tile, columns (output channels), terms (input channels times taps).
  private static let shapes: [(what: String, m: Int, n: Int, k: Int)] = [
    ("U-Net 64→64 3×3, a tile", 256, 64, 576), ("U-Net 256→256 3×3, a tile", 256, 256, 2304),
    ("Winograd point 64→64", 48, 64, 64), ("Winograd point 256→256", 48, 256, 256),
    ("Winograd point 512→512", 192, 512, 512), ("ResNet 256→64 1×1", 192, 64, 256), ("ResNet 64→256 1×1", 192, 256, 64),
    ("ResNet 2048→512 1×1", 384, 512, 2048), ("MobileNet 16→64 1×1", 192, 64, 16), ("MobileNet 72→24 1×1", 192, 24, 72),
    ("MobileNet 120→40 1×1", 192, 40, 120), ("MobileNet 160→960 1×1", 192, 960, 160),
    ("ViT-B tokens 768→2304", 192, 2304, 768), ("ViT-B tokens 3072→768", 192, 768, 3072),
    ("attention scores, 1024 keys", 96, 1024, 64), ("classifier 256→21 1×1", 192, 21, 256),
  ]

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    let roofs = Roofs(on: backend, rounds: rounds)
    print("# \(backend.name), \(threads) thread(s), \(rounds) rounds, medians")
    print(
      "# roofs: sgemm 1024³ \(roofs.gigaflops.formatted(1)) GFLOP/s, memory \(roofs.gigabytes.formatted(1)) GB/s copied"
    )
    for (what, m, n, k) in Products.shapes {
      var contest = Contest()
      let square = SquareProduct(side: 1024, copies: threads, on: backend)
      contest.add("sgemm 1024³", macs: square.macs) { square.run() }
      let product = ProductBenchmark(m: m, n: n, k: k, copies: threads, on: backend)
      contest.add("sgemm", macs: product.macs) { product.runGemm() }
      contest.add("panels", macs: product.macs) { product.runPanels() }
      let outcomes = contest.run(rounds: rounds)
      let roof = outcomes[0].gigaflops
      print(
        what.padded(28) + "\(m)×\(n)×\(k)".padded(16)
          + outcomes.dropFirst().map { "\($0.name) \(($0.gigaflops / roof).formatted(2))" }.joined(separator: "  "))
    }
  }
}

/// The machine's maximum rates, for the roofline model: of a large product, and of copying memory that exceeds the caches.
struct Roofs {
  let gigaflops: Double
  let gigabytes: Double

  init(on backend: OpenBLASBackend, rounds: Int) {
    let threads = backend.workers.threadCount
    var contest = Contest()
    let square = SquareProduct(side: 1024, copies: threads, on: backend)
    contest.add("sgemm", macs: square.macs) { square.run() }
    let count = 32 << 20
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: 2 * count)
    memory.initialize(repeating: 1, count: 2 * count)
    contest.add("copy") {
      backend.workers.forEachRange(count, grain: 1 << 20) { range, _ in
        (memory + count + range.lowerBound).update(from: memory + range.lowerBound, count: range.count)
      }
    }
    let outcomes = contest.run(rounds: rounds)
    memory.deallocate()
    gigaflops = outcomes[0].gigaflops
    // Each byte is read and written.
    gigabytes = 8 * Double(count) / outcomes[1].median / 1e9
  }
}

/// Square products, one per thread.
final class SquareProduct {
  private let product: ProductBenchmark
  var macs: Double { product.macs }
  init(side: Int, copies: Int, on backend: OpenBLASBackend) {
    product = ProductBenchmark(m: side, n: side, k: side, copies: copies, on: backend)
  }
  func run() { product.runGemm() }
}
