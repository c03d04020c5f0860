import ArgumentParser
import SegEngine
import SegIO

/// Compares the ratio of two layers that each complexity formula predicts with the measured ratio.
struct Ratios: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The predicted ratio of pairs of layers' operations against the measured ratio of their times.",
    discussion: """
      Each pair does the same in two ways. Predicted is the ratio of their multiply–adds by the closed formula; measured that of \
      their times, timed in turn, by the algorithms that the engine chooses and with im2col for every convolution, which leaves no \
      multiplication out. Where predicted and measured are apart by more than 1.5× the table says why.
      """)

  @Option(help: "Threads.") var threads = 1
  @Option(help: "Rounds.") var rounds = 9

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    print("# Formulas against the clock\n")
    print("`seg-bench ratios`: \(backend.name), \(threads) thread(s), \(rounds) rounds, medians.\n")
    let columns = [
      "pair", "predicted", "measured", "apart", "by im2col", "FLOP/byte", "GFLOP/s by im2col", "computed by",
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
        + "counts it: two operations a multiply–add over what its steps must read and write, each by itself.")
  }
}

/// Two layers with the same purpose, and the ratio of their multiply–adds by the formula.
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

  /// Compares a standard with a separable convolution.
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
        $0.conv("v", channels, kernel: Extent2D(height: 5, width: 1), bias: false)
          .conv("h", channels, kernel: Extent2D(height: 1, width: 5), bias: false)
      })
  }

  /// Compares a dilated with an undilated 3×3 convolution; the multiply–adds do not depend on the rate.
  private static func dilated(_ rate: Int) -> LayerPair {
    LayerPair(
      name: "3×3 of rate \(rate) / of rate 1, 128 channels, 64²", input: [1, 64, 64, 128], predicted: 1,
      first: { $0.conv("c", 128, kernel: 3, dilation: Extent2D(rate), bias: false) },
      second: { $0.conv("c", 128, kernel: 3, bias: false) })
  }

  /// Compares attention over all pixels of a map with a 3×3 convolution of it.
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

/// The counts and measurements of a pair.
struct PairOutcome {
  /// One layer of the pair.
  private struct Side {
    let algorithms: [String]
    let flops: Double
    let bytes: Double
    let seconds: Double
    /// The seconds with im2col for every convolution.
    let plainSeconds: Double
    /// The step with the fewest operations per byte, among those with multiply–adds: its name and this ratio.
    let leanest: (name: String, intensity: Double)

    var intensity: Double { flops / bytes }
    /// The GFLOP/s with im2col.
    var gigaflops: Double { flops / plainSeconds / 1e9 }
    var leavesMultiplicationsOut: Bool { algorithms.contains(where: ConvolutionMethod.isWinograd) }
  }

  private let pair: LayerPair
  private let sides: [Side]

  init(_ pair: LayerPair, on backend: OpenBLASBackend, rounds: Int) throws {
    self.pair = pair
    let graphs = try [pair.first, pair.second].map { layer in
      try Graph("layer") { g in g.output("y", layer(g.input("x", pair.input))) }
    }
    let summaries = try graphs.map { try GraphSummary($0) }
    let runners = try [nil, "im2col"].flatMap { algorithm in
      try graphs.map {
        try NetworkRunner($0, Parameters(initializing: $0, seed: 1), on: backend, algorithm: algorithm)
      }
    }
    var contest = Contest()
    for runner in runners { contest.add("layer") { runner.run() } }
    let outcomes = contest.run(rounds: rounds)
    sides = (0..<2).map { index in
      let total = summaries[index].total
      let steps = summaries[index].layers.filter { $0.cost.macs > 0 }.map {
        (name: $0.name, intensity: 2 * Double($0.cost.macs) / Double($0.cost.bytesRead + $0.cost.bytesWritten))
      }
      return Side(
        algorithms: runners[index].algorithms, flops: 2 * Double(total.macs),
        bytes: Double(total.bytesRead + total.bytesWritten), seconds: outcomes[index].median,
        plainSeconds: outcomes[2 + index].median,
        leanest: steps.min { $0.intensity < $1.intensity } ?? ("", 0))
    }
  }

  private var measured: Double { sides[0].seconds / sides[1].seconds }
  private var plain: Double { sides[0].plainSeconds / sides[1].plainSeconds }

  private func apart(_ a: Double, _ b: Double) -> Double { max(a / b, b / a) }

  /// The reason for the difference between measurement and formula, if it is large.
  private var reason: String {
    guard apart(measured, pair.predicted) > 1.5 else { return "" }
    var reasons: [String] = []
    // Winograd computes fewer multiplications than the definition, which explains the gap between the two measured ratios.
    for (side, name) in zip(sides, ["first", "second"]) where side.leavesMultiplicationsOut {
      reasons.append("Winograd leaves multiplications of the \(name) out")
    }
    // The remaining gap comes from a slower step, which has few operations per byte.
    if apart(plain, pair.predicted) > 1.2 {
      let slower = sides[0].gigaflops < sides[1].gigaflops ? 0 : 1
      let (lean, rate) = (sides[slower].leanest, sides[slower].gigaflops / sides[1 - slower].gigaflops)
      reasons.append(
        "by im2col the \(["first", "second"][slower]) runs at \(rate.formatted(2)) of the other's rate: its step `\(lean.name)` has "
          + "\(lean.intensity.formatted(1)) FLOP a byte, the other's leanest \(sides[1 - slower].leanest.intensity.formatted(1))"
      )
    }
    return reasons.joined(separator: "; ")
  }

  /// The pair's row of the table.
  var row: String {
    func both(_ value: (Side) -> String) -> String { sides.map(value).joined(separator: " / ") }
    return "| "
      + [
        pair.name, pair.predicted.formatted(2), measured.formatted(2), apart(measured, pair.predicted).formatted(2),
        plain.formatted(2), both { $0.intensity.formatted(1) }, both { $0.gigaflops.formatted(0) },
        both { $0.algorithms.joined(separator: ", ") }, reason,
      ].joined(separator: " | ") + " |"
  }
}
