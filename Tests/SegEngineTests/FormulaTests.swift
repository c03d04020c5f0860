import SegEngine
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Closed formulas against what the engine counts in graphs of random shapes.
@Suite struct FormulaTests {
  private func summary(_ shape: Shape, _ body: (Value) -> Value) throws -> GraphSummary {
    try GraphSummary(try Graph("graph") { g in g.output("y", body(g.input("x", shape))) })
  }

  private struct Shapes {
    var generator: SeededGenerator
    init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }
    mutating func pick(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &generator) }
  }

  @Test(arguments: 0..<20)
  func convolutions(_ seed: UInt64) throws {
    var random = Shapes(seed)
    let (height, width) = (random.pick(8...40), random.pick(8...40))
    let (inputs, outputs, middle) = (random.pick(1...24), random.pick(1...24), random.pick(1...12))
    let kernel = 2 * random.pick(0...3) + 1
    let rate = random.pick(1...4)
    let shape: Shape = [1, height, width, inputs]
    let size = Extent2D(kernel)

    let standard = try summary(shape) { $0.conv("c", outputs, kernel: size, dilation: Extent2D(rate), bias: false) }
    #expect(
      standard.total.macs
        == ConvolutionFormulas.standardMACs(
          height: height, width: width, inputs: inputs, outputs: outputs, kernel: kernel))
    #expect(
      standard.parameterCount
        == ConvolutionFormulas.standardParameters(inputs: inputs, outputs: outputs, kernel: kernel))
    #expect(standard.total.parameters == standard.parameterCount)

    let separable = try summary(shape) {
      $0.conv("d", inputs, kernel: size, groups: inputs, bias: false).conv("p", outputs, kernel: 1, bias: false)
    }
    #expect(
      separable.total.macs
        == ConvolutionFormulas.separableMACs(
          height: height, width: width, inputs: inputs, outputs: outputs, kernel: kernel))
    #expect(
      separable.parameterCount
        == ConvolutionFormulas.separableParameters(inputs: inputs, outputs: outputs, kernel: kernel))
    let reduction = ConvolutionFormulas.separableReduction(outputs: outputs, kernel: kernel)
    #expect(abs(reduction - Double(standard.total.macs) / Double(separable.total.macs)) < 1e-9 * reduction)

    let bottleneck = try summary(shape) {
      $0.conv("a", middle, kernel: 1, bias: false).conv("b", middle, kernel: size, bias: false)
        .conv("c", outputs, kernel: 1, bias: false)
    }
    #expect(
      bottleneck.total.macs
        == ConvolutionFormulas.bottleneckMACs(
          height: height, width: width, inputs: inputs, bottleneck: middle, outputs: outputs, kernel: kernel))

    let asymmetric = try summary(shape) {
      $0.conv("v", inputs, kernel: Extent2D(height: kernel, width: 1), bias: false)
        .conv("h", inputs, kernel: Extent2D(height: 1, width: kernel), bias: false)
    }
    #expect(
      asymmetric.total.macs
        == ConvolutionFormulas.asymmetricMACs(height: height, width: width, channels: inputs, kernel: kernel))
  }

  @Test(arguments: 0..<40)
  func outputSizes(_ seed: UInt64) throws {
    var random = Shapes(100 + seed)
    let (kernel, stride, rate) = (random.pick(1...6), random.pick(1...4), random.pick(1...4))
    let effective = ConvolutionFormulas.effectiveKernel(kernel, rate: rate)
    let padding = random.pick(0...effective)
    let n = random.pick(effective...effective + 30)
    let geometry = ConvolutionGeometry(
      kernel: Extent2D(kernel), stride: Extent2D(stride), dilation: Extent2D(rate), padding: Padding2D(padding))
    #expect(geometry.effectiveKernel == Extent2D(effective))
    let forward = try summary([1, n, n, 1]) {
      $0.conv(
        "c", 1, kernel: Extent2D(kernel), stride: Extent2D(stride), padding: Padding2D(padding),
        dilation: Extent2D(rate))
    }
    #expect(
      forward.layers[0].outputs[0].shape.height
        == ConvolutionFormulas.outputSize(n, kernel: kernel, stride: stride, padding: padding, rate: rate))
    let expected = ConvolutionFormulas.transposedOutputSize(
      n, kernel: kernel, stride: stride, padding: padding, rate: rate)
    guard expected > 0 else { return }
    let back = try summary([1, n, n, 1]) {
      $0.transposedConv(
        "t", 1, kernel: Extent2D(kernel), stride: Extent2D(stride), padding: Padding2D(padding),
        dilation: Extent2D(rate))
    }
    #expect(back.layers[0].outputs[0].shape.height == expected)
    if rate == 1 { #expect(expected == (n - 1) * stride - 2 * padding + kernel) }
  }

  @Test func knownFactors() {
    // 25 multiply–adds of a 5×5 become 10 of 5×1 and 1×5.
    #expect(ConvolutionFormulas.standardMACs(height: 1, width: 1, inputs: 1, outputs: 1, kernel: 5) == 25)
    #expect(ConvolutionFormulas.asymmetricMACs(height: 1, width: 1, channels: 1, kernel: 5) == 10)
    // Separable: the limit is K², half of it at K² outputs.
    #expect(abs(ConvolutionFormulas.separableReduction(outputs: 1 << 40, kernel: 3) - 9) < 1e-9)
    #expect(ConvolutionFormulas.separableReduction(outputs: 9, kernel: 3) == 4.5)
    #expect(DecoderFormulas.focalFactor(probability: 0.9, gamma: 2).rounded(toPlaces: 12) == 0.01)
    #expect(ConvolutionFormulas.downsampling(steps: 5) == 32)
    // Dilation leaves parameters as they are; the receptive field of one layer grows with r, so what it covers grows with r².
    #expect(ConvolutionFormulas.receptiveField(kernels: [3], strides: [1], rates: [7]) == 15)
  }

  @Test(arguments: 0..<5) func downsamplingIsThatOfTheGraph(_ seed: UInt64) throws {
    var random = Shapes(400 + seed)
    for steps in 1...5 {
      let extent = 32 * random.pick(1...6)
      let result = try summary([1, extent, extent, 1]) { x in
        (0..<steps).reduce(x) { $0.conv("c\($1)", 1, kernel: 3, stride: 2) }
      }
      #expect(
        result.layers[steps - 1].outputs[0].shape.height == extent / ConvolutionFormulas.downsampling(steps: steps))
    }
  }

  /// The mean distance to the centre of a cell, summed over a fine grid.
  @Test(arguments: [1, 8, 16, 32])
  func localization(_ outputStride: Int) {
    let steps = 400
    var sum = 0.0
    for y in 0..<steps {
      for x in 0..<steps {
        sum += hypot((Double(y) + 0.5) / Double(steps) - 0.5, (Double(x) + 0.5) / Double(steps) - 0.5)
      }
    }
    let mean = sum / Double(steps * steps) * Double(outputStride)
    #expect(abs(mean - ConvolutionFormulas.localizationError(outputStride: outputStride)) < 1e-5 * mean)
  }

  @Test(arguments: 0..<10)
  func upsampling(_ seed: UInt64) throws {
    var random = Shapes(200 + seed)
    let (height, width) = (random.pick(2...20), random.pick(2...20))
    let (inputs, outputs, factor) = (random.pick(1...16), random.pick(1...16), random.pick(2...4))
    let kernel = factor + 2 * random.pick(0...2)
    let shape: Shape = [1, height, width, inputs]
    func expect(_ summary: GraphSummary, _ figures: UpsamplingFormulas.Figures) {
      #expect(summary.parameterCount == figures.parameters)
      #expect(summary.total.macs == figures.macs)
      #expect(summary.total.otherOperations == figures.otherOperations)
      #expect(summary.total.bytesWritten == 4 * figures.writtenElements)
      #expect(summary.layers.last?.outputs[0].shape.height == factor * height)
    }
    expect(
      try summary(shape) { $0.resize(to: Extent2D(height: factor * height, width: factor * width), .bilinear) },
      UpsamplingFormulas.bilinear(height: height, width: width, channels: inputs, factor: factor))
    expect(
      try summary(shape) {
        $0.transposedConv(
          "t", outputs, kernel: Extent2D(kernel), stride: Extent2D(factor), padding: Padding2D((kernel - factor) / 2))
      },
      UpsamplingFormulas.transposed(
        height: height, width: width, inputs: inputs, outputs: outputs, factor: factor, kernel: kernel))
    expect(
      try summary(shape) { $0.conv("c", outputs * factor * factor, kernel: 3).pixelShuffle(factor) },
      UpsamplingFormulas.subpixel(
        height: height, width: width, inputs: inputs, outputs: outputs, factor: factor, kernel: 3))
  }

  private func attention(side: Int, patch: Int, width d: Int) throws -> GraphSummary {
    try summary([1, (side / patch) * (side / patch), d]) { x in
      let (q, k, v) = (x.linear("q", d), x.linear("k", d), x.linear("v", d))
      return q.attention(keys: k, values: v, heads: 1).linear("out", d)
    }
  }

  @Test(arguments: 0..<10)
  func attentionIsCounted(_ seed: UInt64) throws {
    var random = Shapes(300 + seed)
    let (patch, d) = (random.pick(1...16), 4 * random.pick(1...16))
    let side = patch * random.pick(1...12)
    let tokens = AttentionFormulas.tokens(height: side, width: side, patch: patch)
    let counted = try attention(side: side, patch: patch, width: d)
    #expect(
      counted.total.macs
        == AttentionFormulas.scoreMACs(tokens: tokens, width: d)
        + AttentionFormulas.projectionMACs(tokens: tokens, width: d))
    #expect(counted.parameterCount == AttentionFormulas.parameters(width: d))
    let equal = AttentionFormulas.tokensWhereScoresEqualProjections(width: d)
    #expect(
      AttentionFormulas.scoreMACs(tokens: equal, width: d) == AttentionFormulas.projectionMACs(tokens: equal, width: d))
    #expect(AttentionFormulas.scoreElements(tokens: tokens, heads: 3) == 3 * tokens * tokens)
    let (channels, kernel) = (random.pick(1...32), 2 * random.pick(0...3) + 1)
    let convolution = try summary([1, side, side, channels]) { $0.conv("c", channels, kernel: Extent2D(kernel)) }
    let ratio = AttentionFormulas.parameterRatio(width: d, kernel: kernel, channels: channels)
    #expect(abs(ratio * Double(convolution.parameterCount) - Double(counted.parameterCount)) < 1e-6)
  }

  /// A naive evaluation holds the scores of all heads at once: the products and the softmax of them, N² numbers a head each.
  @Test(arguments: 0..<10)
  func scoresAreHeld(_ seed: UInt64) throws {
    var random = Shapes(500 + seed)
    let (tokens, heads, width) = (random.pick(2...60), random.pick(1...6), random.pick(1...8))
    let naive = try Graph("scores") { g in
      let (q, k) = (g.input("q", [heads, tokens, width]), g.input("k", [heads, tokens, width]))
      g.output("scores", q.matmul(k, transposingB: true).softmax(axis: -1))
    }
    #expect(
      try GraphAnalysis(naive).total.activationByteCount
        == 2 * 4 * AttentionFormulas.scoreElements(tokens: tokens, heads: heads))
  }

  /// Below the crossing the counted attention is cheaper than the counted convolution, above dearer.
  @Test(arguments: [(4, 64, 64), (4, 32, 48), (8, 192, 64), (8, 96, 100), (16, 768, 64), (16, 384, 128), (32, 384, 64)])
  func attentionCrossesConvolution(_ patch: Int, _ d: Int, _ channels: Int) throws {
    let crossing = AttentionFormulas.crossingSide(patch: patch, width: d, kernel: 3, channels: channels)
    let below = Int(crossing) / patch * patch
    for (side, isDearer) in [(below, false), (below + patch, true)] where side > 0 {
      let convolution = try summary([1, side, side, channels]) { $0.conv("c", channels, kernel: 3, bias: false) }
      #expect((try attention(side: side, patch: patch, width: d).total.macs > convolution.total.macs) == isDearer)
    }
  }

  @Test(arguments: 1...4, 0..<3)
  func skipsOfUNets(_ depth: Int, _ seed: UInt64) throws {
    var random = Shapes(600 + seed)
    let (height, width, channels) = (16 * random.pick(1...5), 16 * random.pick(1...5), random.pick(1...6))
    func elements(_ summary: GraphSummary) -> Int {
      summary.layers.filter { $0.name.hasPrefix("x") }.reduce(0) { $0 + $1.outputs[0].shape.elementCount }
    }
    func pooled(_ x: Value) -> Value { x.maxPool(kernel: 2, stride: 2) }
    func magnified(_ x: Value) -> Value { x.resize(by: 2, .nearest) }
    let dense = try summary([1, height, width, channels]) { x in
      var rows: [[Value]] = []
      for i in 0...depth {
        rows.append([(i == 0 ? x : pooled(rows[i - 1][0])).conv("x\(i)_0", channels << i, kernel: 3)])
      }
      for j in 1...depth {
        for i in 0...depth - j {
          let joined = rows[i][0].concat(with: Array(rows[i].dropFirst()) + [magnified(rows[i + 1][j - 1])])
          rows[i].append(joined.conv("x\(i)_\(j)", channels << i, kernel: 3))
        }
      }
      return rows[0][depth]
    }
    #expect(
      elements(dense)
        == DecoderFormulas.denseSkipElements(height: height, width: width, channels: channels, depth: depth))
    let plain = try summary([1, height, width, channels]) { x in
      var encoder: [Value] = []
      for i in 0...depth {
        encoder.append((i == 0 ? x : pooled(encoder[i - 1])).conv("x\(i)_0", channels << i, kernel: 3))
      }
      return (0..<depth).reversed().reduce(encoder[depth]) { y, i in
        encoder[i].concat(with: magnified(y)).conv("x\(i)_1", channels << i, kernel: 3)
      }
    }
    #expect(
      elements(plain) == DecoderFormulas.skipElements(height: height, width: width, channels: channels, depth: depth))
  }

  @Test(arguments: 1...6, 0..<3)
  func denseBlocks(_ layers: Int, _ seed: UInt64) throws {
    var random = Shapes(700 + seed)
    let (inputs, growth) = (random.pick(1...20), random.pick(1...12))
    let counted = try summary([1, 4, 4, inputs]) { x in
      (0..<layers).reduce(x) { $0.concat(with: $0.conv("c\($1)", growth, kernel: 1, bias: false)) }
    }
    // A 1×1 convolution has growth weights an input channel.
    #expect(
      counted.parameterCount
        == growth * DecoderFormulas.denseBlockInputChannels(inputs: inputs, growth: growth, layers: layers))
  }

  @Test(arguments: 1...4, 0..<3)
  func pyramidPooling(_ rates: Int, _ seed: UInt64) throws {
    var random = Shapes(800 + seed)
    let (height, width, inputs, outputs) = (
      random.pick(5...40), random.pick(5...40), random.pick(1...30), random.pick(1...20)
    )
    let parallel = try summary([1, height, width, inputs]) { x in
      var branches = [x.conv("1x1", outputs, kernel: 1, bias: false)]
      for index in 0..<rates {
        branches.append(x.conv("c\(index)", outputs, kernel: 3, dilation: Extent2D(6 * index + 6), bias: false))
      }
      branches.append(
        x.globalAveragePool().conv("pooled", outputs, kernel: 1, bias: false).broadcast(spatiallyLike: branches[0]))
      return branches.concatenated().conv("project", outputs, kernel: 1, bias: false)
    }
    #expect(
      parallel.total.macs
        == DecoderFormulas.pyramidPoolingMACs(
          height: height, width: width, inputs: inputs, outputs: outputs, rates: rates))
    let serial = try summary([1, height, width, inputs]) { x in
      (0..<rates).reduce(x) { $0.conv("c\($1)", outputs, kernel: 3, dilation: Extent2D(6 * $1 + 6), bias: false) }
    }
    #expect(
      serial.total.macs
        == DecoderFormulas.serialAtrousMACs(
          height: height, width: width, inputs: inputs, outputs: outputs, rates: rates))
  }

  @Test(arguments: 0..<5) func featurePyramids(_ seed: UInt64) throws {
    var random = Shapes(900 + seed)
    let (channels, height, width) = (random.pick(1...20), 32 * random.pick(1...8), 32 * random.pick(1...8))
    for levels in 1...4 {
      let counted = try Graph("pyramid") { g in
        let x = g.input("x", [1, height, width, 3])
        for level in 0..<levels {
          g.output("p\(level)", x.conv("p\(level)", channels, kernel: 1, stride: Extent2D(4 << level)))
        }
      }
      let analysis = try GraphAnalysis(counted)
      let expected = DecoderFormulas.pyramidElements(
        height: height, width: width, channels: channels, firstStride: 4, levels: levels)
      #expect(analysis.total.activationByteCount == 4 * expected)
      #expect(3 * expected < 4 * channels * (height / 4) * (width / 4))
    }
  }
}

extension Double {
  fileprivate func rounded(toPlaces places: Int) -> Double {
    let factor = pow(10, Double(places))
    return (self * factor).rounded() / factor
  }
}
