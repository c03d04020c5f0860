import ArgumentParser
import SegEngine
import SegIO

/// The ratio of two layers that each formula of complexity predicts, and the one that the clock gives.
struct Ratios: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The predicted ratio of pairs of layers' operations against the measured ratio of their times.",
    discussion: """
      Each pair does the same in two ways. Predicted is the ratio of their multiply–adds by the closed formula; measured that of \
      their times, timed in turn. Where the two are apart by more than 1.5× the table says why: the roofline's ratio takes for each \
      step the longer of its operations at the rate of sgemm and of its bytes at the rate of copying a buffer of the layer's size.
      """)

  @Option(help: "Threads.") var threads = 1
  @Option(help: "Rounds.") var rounds = 9

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    print("# Formulas against the clock\n")
    print("`seg-bench ratios`: \(backend.name), \(threads) thread(s), \(rounds) rounds, medians.\n")
    let columns = [
      "pair", "predicted", "measured", "apart", "FLOP/byte", "GFLOP/s", "roofline's ratio", "computed by",
      "why they are apart",
    ]
    print("| \(columns.joined(separator: " | ")) |")
    print("|---|--:|--:|--:|---|---|--:|---|---|")
    for pair in LayerPair.all {
      let outcome = try PairOutcome(pair, on: backend, rounds: rounds)
      print(outcome.row)
    }
    print(
      "\nApart is the larger of measured / predicted and its inverse. FLOP/byte is each layer's arithmetic intensity as the engine "
        + "counts it: two operations a multiply–add over what its steps must read and write.")
  }
}

/// Two layers that do the same in two ways, and the ratio of their multiply–adds by the formula.
struct LayerPair {
  let name: String
  let input: Shape
  let predicted: Double
  let first: (Value) -> Value
  let second: (Value) -> Value

  static var all: [LayerPair] {
    [
      separable(16, side: 128), separable(128, side: 64), separable(512, side: 32), bottleneck,
      asymmetric(64, side: 128),
      dilated(2), dilated(12), attention(side: 16), attention(side: 32), subpixel,
    ]
  }

  /// Standard to separable.
  private static func separable(_ channels: Int, side: Int) -> LayerPair {
    LayerPair(
      name: "standard / separable 3×3, \(channels) channels, \(side)²", input: [1, side, side, channels],
      predicted: ConvolutionFormulas.separableReduction(outputs: channels, kernel: 3),
      first: { $0.conv("c", channels, kernel: 3, bias: false) },
      second: {
        $0.conv("d", channels, kernel: 3, groups: channels, bias: false).conv("p", channels, kernel: 1, bias: false)
      })
  }

  private static var bottleneck: LayerPair {
    let (side, channels, middle) = (64, 256, 64)
    let standard = ConvolutionFormulas.standardMACs(
      height: side, width: side, inputs: channels, outputs: channels, kernel: 3)
    let narrow = ConvolutionFormulas.bottleneckMACs(
      height: side, width: side, inputs: channels, bottleneck: middle, outputs: channels, kernel: 3)
    return LayerPair(
      name: "standard / bottleneck 256–64–256, \(side)²", input: [1, side, side, channels],
      predicted: Double(standard) / Double(narrow),
      first: { $0.conv("c", channels, kernel: 3, bias: false) },
      second: {
        $0.conv("a", middle, kernel: 1, bias: false).conv("b", middle, kernel: 3, bias: false)
          .conv("c", channels, kernel: 1, bias: false)
      })
  }

  private static func asymmetric(_ channels: Int, side: Int) -> LayerPair {
    let square = ConvolutionFormulas.standardMACs(
      height: side, width: side, inputs: channels, outputs: channels, kernel: 5)
    let lines = ConvolutionFormulas.asymmetricMACs(height: side, width: side, channels: channels, kernel: 5)
    return LayerPair(
      name: "5×5 / 5×1 and 1×5, \(channels) channels, \(side)²", input: [1, side, side, channels],
      predicted: Double(square) / Double(lines),
      first: { $0.conv("c", channels, kernel: 5, bias: false) },
      second: {
        $0.conv("v", channels, kernel: Extent2D(5, 1), bias: false)
          .conv("h", channels, kernel: Extent2D(1, 5), bias: false)
      })
  }

  /// Multiply–adds do not depend on the rate.
  private static func dilated(_ rate: Int) -> LayerPair {
    LayerPair(
      name: "3×3 of rate \(rate) / of rate 1, 128 channels, 64²", input: [1, 64, 64, 128], predicted: 1,
      first: { $0.conv("c", 128, kernel: 3, dilation: Extent2D(rate), bias: false) },
      second: { $0.conv("c", 128, kernel: 3, bias: false) })
  }

  /// Attention over all pixels of a map to a 3×3 convolution of it.
  private static func attention(side: Int) -> LayerPair {
    let (width, tokens) = (256, side * side)
    let attention =
      AttentionFormulas.scoreMACs(tokens: tokens, width: width)
      + AttentionFormulas.projectionMACs(tokens: tokens, width: width)
    let convolution = ConvolutionFormulas.standardMACs(
      height: side, width: side, inputs: width, outputs: width, kernel: 3)
    return LayerPair(
      name: "attention of 8 heads / 3×3, \(width) channels, \(side)²", input: [1, side, side, width],
      predicted: Double(attention) / Double(convolution),
      first: {
        let tokens = $0.tokens()
        return tokens.linear("q", width)
          .attention(keys: tokens.linear("k", width), values: tokens.linear("v", width), heads: 8).linear("o", width)
      },
      second: { $0.conv("c", width, kernel: 3, bias: false) })
  }

  private static var subpixel: LayerPair {
    let (side, channels) = (64, 64)
    let shuffled = UpsamplingFormulas.subpixel(
      height: side, width: side, inputs: channels, outputs: channels, factor: 2, kernel: 3)
    let transposed = UpsamplingFormulas.transposed(
      height: side, width: side, inputs: channels, outputs: channels, factor: 2, kernel: 4)
    return LayerPair(
      name: "sub-pixel 3×3 / transposed 4×4, \(channels) channels, \(side)² to \(2 * side)²",
      input: [1, side, side, channels], predicted: Double(shuffled.macs) / Double(transposed.macs),
      first: { $0.conv("c", 4 * channels, kernel: 3).pixelShuffle(2) },
      second: { $0.transposedConv("t", channels, kernel: 4, stride: 2, padding: 1) })
  }
}

/// What was counted and measured of a pair.
struct PairOutcome {
  /// One of the two.
  private struct Side {
    let algorithms: [String]
    let flops: Double
    let bytes: Double
    let seconds: Double
    /// For each step the longer of its operations and its bytes.
    let roofline: Double
    /// The share of the roofline's time in which bytes are what takes it.
    let boundByBytes: Double

    var intensity: Double { flops / bytes }
    var gigaflops: Double { flops / seconds / 1e9 }
  }

  private let pair: LayerPair
  private let sides: [Side]

  init(_ pair: LayerPair, on backend: OpenBLASBackend, rounds: Int) throws {
    self.pair = pair
    let graphs = try [pair.first, pair.second].map { layer in
      try Graph("layer") { g in g.output("y", layer(g.input("x", pair.input))) }
    }
    let summaries = try graphs.map { try GraphSummary($0) }
    let runners = try graphs.map {
      try NetworkRunner($0, Parameters(initializing: $0, seed: 1), on: backend)
    }
    let bytes = summaries.map { Double($0.total.bytesRead + $0.total.bytesWritten) }
    var contest = Contest()
    let square = SquareProduct(side: 1024, copies: backend.workers.threadCount, on: backend)
    contest.add("sgemm", macs: square.macs) { square.run() }
    // Half of the bytes are read and half are written.
    let copies = bytes.map { CopiedBuffer(count: max(1024, Int($0 / 8)), on: backend) }
    for copy in copies { contest.add("copy") { copy.run() } }
    for runner in runners { contest.add("layer") { runner.run() } }
    let outcomes = contest.run(rounds: rounds)
    let flopRate = 1e9 * outcomes[0].gigaflops
    sides = (0..<2).map { index in
      let byteRate = 8 * Double(copies[index].count) / outcomes[1 + index].median
      let steps = summaries[index].layers.map {
        (
          work: 2 * Double($0.cost.macs) / flopRate,
          traffic: Double($0.cost.bytesRead + $0.cost.bytesWritten) / byteRate
        )
      }
      let roofline = steps.reduce(0) { $0 + max($1.work, $1.traffic) }
      return Side(
        algorithms: runners[index].algorithms, flops: 2 * Double(summaries[index].total.macs), bytes: bytes[index],
        seconds: outcomes[3 + index].median, roofline: roofline,
        boundByBytes: steps.reduce(0) { $0 + ($1.traffic > $1.work ? $1.traffic : 0) } / roofline)
    }
  }

  private var measured: Double { sides[0].seconds / sides[1].seconds }
  private var roofline: Double { sides[0].roofline / sides[1].roofline }

  private func apart(_ a: Double, _ b: Double) -> Double { max(a / b, b / a) }

  /// Where the gap is large, what accounts for it.
  private var reason: String {
    guard apart(measured, pair.predicted) > 1.5 else { return "" }
    var reasons: [String] = []
    // Fewer multiplications than the definition has: the rate by the definition's operations may pass the roof.
    for (side, name) in zip(sides, ["first", "second"])
    where side.algorithms.contains(where: { $0.hasPrefix("winograd") }) {
      reasons.append("the \(name) leaves multiplications out (Winograd)")
    }
    for (side, name) in zip(sides, ["first", "second"]) where side.boundByBytes > 0.25 {
      reasons.append(
        "at \(side.intensity.formatted(1)) FLOP a byte, \((100 * side.boundByBytes).formatted(0)) % of the \(name)'s "
          + "roofline is moving bytes")
    }
    let lower = sides[0].gigaflops < sides[1].gigaflops ? 0 : 1
    if reasons.isEmpty {
      let rate = sides[lower].gigaflops / sides[1 - lower].gigaflops
      reasons.append(
        "the \(["first", "second"][lower]) runs at \(rate.formatted(2)) of the other's rate at "
          + "\(sides[lower].intensity.formatted(1)) against \(sides[1 - lower].intensity.formatted(1)) FLOP a byte")
    }
    return reasons.joined(separator: "; ")
  }

  /// A row of the table.
  var row: String {
    func both(_ value: (Side) -> String) -> String { sides.map(value).joined(separator: " / ") }
    return "| "
      + [
        pair.name, pair.predicted.formatted(2), measured.formatted(2), apart(measured, pair.predicted).formatted(2),
        both { $0.intensity.formatted(1) }, both { $0.gigaflops.formatted(0) }, roofline.formatted(2),
        both { $0.algorithms.joined(separator: ", ") }, reason,
      ].joined(separator: " | ") + " |"
  }
}

/// A buffer that is copied, as a layer's bytes would be at best.
final class CopiedBuffer {
  let count: Int
  private let memory: UnsafeMutablePointer<Float>
  private let backend: OpenBLASBackend

  /// `count` floats are read and as many written.
  init(count: Int, on backend: OpenBLASBackend) {
    self.count = count
    self.backend = backend
    memory = .allocate(capacity: 2 * count)
    memory.initialize(repeating: 1, count: 2 * count)
  }

  deinit { memory.deallocate() }

  func run() {
    let (source, target) = (memory, memory + count)
    backend.workers.forEachRange(count, grain: 1 << 14) { range, _ in
      (target + range.lowerBound).update(from: source + range.lowerBound, count: range.count)
    }
  }
}
