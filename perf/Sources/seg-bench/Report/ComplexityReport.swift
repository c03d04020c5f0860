import Foundation
import SegEngine
import SegModels

/// The page on complexity: formulas with the counts of the engine's operators, gridding, and a receptive field drawn over an image.
///
/// All numbers are computed. Multiply–adds and parameters are counted in the engine's graphs; gridding is counted over all paths.
struct ComplexityReport {
  /// The receptive field of an output pixel, drawn over an image; `nil` if no image was given.
  let field: ReceptiveFieldPicture?

  /// The SVG pictures, by their names on the page.
  let pictures: [String: String]

  /// The page as Markdown.
  let markdown: String

  /// Counts everything.
  ///
  /// - Throws: `GraphError` if a graph cannot be made, which does not happen.
  init(field: ReceptiveFieldPicture? = nil) throws {
    self.field = field
    var pictures = Dictionary(
      uniqueKeysWithValues: Self.stacks.map { (Self.picture(of: $0), DilationStack(rates: $0).svg) })
    pictures[Self.crossingPicture] = Self.crossing.svg
    if let field { pictures[Self.fieldPicture] = field.svg }
    self.pictures = pictures
    var parts = [
      Self.head, try Self.claims(), Self.gridding, try Self.separable(), try Self.dilation(), try Self.upsampling(),
      try Self.attention(), try Self.pyramidPooling(), try Self.skips(), Self.localization,
    ]
    if let field { parts.append(Self.receptiveField(field)) }
    markdown = parts.joined(separator: "\n\n") + "\n"
  }

  // MARK: Gridding

  private static let stacks = [
    [1, 1, 1, 1], [2, 2, 2], [1, 2, 4, 8], [1, 2, 5], [1, 2, 9], [2, 3], [1, 6, 12, 18], [6, 12, 18], [1, 3, 9],
  ]

  private static func picture(of rates: [Int]) -> String {
    "gridding-\(rates.map(String.init).joined(separator: "-")).svg"
  }

  private static let head = """
    # Complexity: formulas against counts

    Written by `make report` (`seg-bench report docs/complexity`). A multiply–add counts once; counts are those of the engine's operators for
    graphs built for these shapes, formulas are those of `Sources/SegEngine/Analysis/Formulas`, and `FormulaTests` hold the two equal over
    random shapes.
    """

  private static var gridding: String {
    """
    ## Gridding

    3×3 convolutions one after the other with these rates, and what the last output sees of the first input:

    \(DilationStack.markdownHeader)
    \(stacks.map { DilationStack(rates: $0).markdownRow }.joined(separator: "\n"))

    - Rates 1, 6, 12, 18 are atrous pyramid pooling's, where they stand side by side. One after the other they leave holes: only what
      \\[−1, 1\\] + 6·\\[−1, 1\\] + 12·\\[−1, 1\\] + 18·\\[−1, 1\\] reaches is seen.
    - The published condition M₂ ≤ K (Wang et al. 2018) keeps holes out where the first rate is 1. Elsewhere it does not: see 2, 3.
    - *Adjoining*: sorted, each rate is at most the number of positions that the ones before it see. Over all stacks of up to four rates up
      to 9 that is the same as having no holes.
    - "Exponential growth of the receptive field with linearly many parameters" is true of doubling rates (1, 2, 4, 8 …: 2ⁿ⁺¹ − 1). With a
      fixed rate the field grows linearly, 1 + 2 r n, and for r > 1 most of it is not seen.

    \(stacks.map { "![rates \($0.map(String.init).joined(separator: ", "))](\(picture(of: $0)))" }.joined(separator: " "))
    """
  }

  // MARK: Claims

  /// Returns the textbook claims that counting does not confirm.
  private static func claims() throws -> String {
    let series = DilationStack(rates: [1, 6, 12, 18])
    let fixed = DilationStack(rates: [2, 2, 2, 2, 2])
    let doubling = DilationStack(rates: [1, 2, 4, 8, 16])
    func dilated(_ rate: Int) throws -> Cost {
      try GraphSummary(
        Graph("dilated") { g in
          g.output("y", g.input("x", [1, 64, 64, 64]).conv("c", 64, kernel: 3, dilation: Extent2D(rate), bias: false))
        }
      ).total
    }
    let (near, far) = (try dilated(1), try dilated(16))
    let bytes = [near, far].map { ($0.bytesRead + $0.bytesWritten).grouped }
    let unseen = (100 * series.shareNeverSeen).fixed(1)
    let narrow = [8, 16, 64].map {
      "\(ConvolutionFormulas.separableReduction(outputs: $0, kernel: 3).fixed(2)) at \($0) channels"
    }
    return """
      ## Claims that do not hold as stated

      - *Rates 1, 6, 12, 18 one after the other see without gridding.* They see \(series.seenCount) of \(series.receptiveField) positions along
        an axis; \(unseen) % of the square is never seen.
      - *The receptive field grows exponentially with linearly many parameters.* With five layers of one fixed rate 2 it is
        \(fixed.receptiveField), linear in the depth, and \(fixed.seenCount) of these positions are seen; with rates doubling from 1 it is
        \(doubling.receptiveField) for the same \(5 * 9) weights a pair of channels.
      - *Dilation of rate r needs memory O(r²).* A 3×3 of 64 channels on 64×64 pixels reads and writes \(bytes[0]) bytes at rate 1 and
        \(bytes[1]) at rate 16, with \(near.parameters.grouped) and \(far.parameters.grouped) weights; r² is what a dense kernel of the same
        extent has.
      - *Separable convolutions save a factor of K² = 9.* It is K² C / (K² + C): \(narrow.joined(separator: ", ")).
      - *Predicted ratios of operations are ratios of times.* See [the clock's](ratios.md), written by `make bench`.
      """
  }

  // MARK: Receptive fields

  private static let fieldPicture = "receptive-field.svg"

  private static func receptiveField(_ picture: ReceptiveFieldPicture) -> String {
    """
    ## A receptive field over an image

    What the middle pixel of `\(picture.network)`'s output sees of \(picture.side)×\(picture.side) pixels of its input. Blue is the theoretical
    receptive field, \(picture.theoreticalSide.map { "\($0)×\($0) pixels" } ?? "here the whole image, because the network has a global operator"); red how much each pixel changes the output,
    by perturbation; green the square with the area of the pixels that hold 95 % of that: a side of \(picture.effectiveSide.fixed(1)).

    ![receptive field of \(picture.network)](\(fieldPicture))
    """
  }

  // MARK: Counts

  private static func summary(_ shape: Shape, _ body: (Value) -> Value) throws -> GraphSummary {
    try GraphSummary(try Graph("formula") { g in g.output("y", body(g.input("x", shape))) })
  }

  private static func separable() throws -> String {
    let rows = try [8, 16, 32, 64, 128, 256, 1024].map { channels -> [String] in
      let shape: Shape = [1, 32, 32, channels]
      let standard = try summary(shape) { $0.conv("c", channels, kernel: 3, bias: false) }.total.macs
      let separable = try summary(shape) {
        $0.conv("d", channels, kernel: 3, groups: channels, bias: false).conv("p", channels, kernel: 1, bias: false)
      }.total.macs
      return [
        "\(channels)", standard.grouped, separable.grouped, (Double(standard) / Double(separable)).fixed(3),
        ConvolutionFormulas.separableReduction(outputs: channels, kernel: 3).fixed(3),
      ]
    }
    return """
      ## Separable convolutions

      3×3 on 32×32 pixels. "A factor of K² = 9" is the limit for many outputs; with 8 it is half of that.

      \(markdownTable(["channels", "standard", "separable", "counted factor", "K² C / (K² + C)"], rows))
      """
  }

  private static func dilation() throws -> String {
    let rows = try [1, 2, 4, 8, 16].map { rate -> [String] in
      let layer = try summary([1, 64, 64, 64]) { $0.conv("c", 64, kernel: 3, dilation: Extent2D(rate), bias: false) }
      return [
        "\(rate)", "\(ConvolutionFormulas.effectiveKernel(3, rate: rate))", layer.total.macs.grouped,
        layer.parameterCount.grouped, layer.layers[0].outputs[0].byteCount.grouped,
      ]
    }
    return """
      ## Dilation

      A 3×3 of 64 → 64 channels on 64×64 pixels. Neither operations nor parameters nor the memory of the output depend on the rate: "memory
      of O(r²)" is what a dense kernel of the same extent would take, not a dilated one.

      \(markdownTable(["rate", "effective kernel", "multiply–adds", "parameters", "output in bytes"], rows))
      """
  }

  private static func upsampling() throws -> String {
    let shape: Shape = [1, 32, 32, 64]
    let ways: [(String, GraphSummary)] = [
      ("bilinear", try summary(shape) { $0.resize(by: 2, .bilinear) }),
      ("transposed 2×2", try summary(shape) { $0.transposedConv("t", 64, kernel: 2, stride: 2) }),
      ("transposed 4×4", try summary(shape) { $0.transposedConv("t", 64, kernel: 4, stride: 2, padding: 1) }),
      ("sub-pixel 3×3", try summary(shape) { $0.conv("c", 256, kernel: 3).pixelShuffle(2) }),
      ("bilinear and 3×3", try summary(shape) { $0.resize(by: 2, .bilinear).conv("c", 64, kernel: 3) }),
    ]
    return """
      ## Up-sampling

      From 32×32 to 64×64 pixels of 64 channels.

      \(markdownTable(
        ["way", "parameters", "multiply–adds", "other operations", "bytes written"],
        ways.map {
          [
            $0.0, $0.1.parameterCount.grouped, $0.1.total.macs.grouped, $0.1.total.otherOperations.grouped,
            $0.1.total.bytesWritten.grouped,
          ]
        }))
      """
  }

  private static func attention() throws -> String {
    let (d, channels) = (768, 64)
    let rows = [4, 8, 16, 32].map { patch -> [String] in
      let crossing = AttentionFormulas.crossingSide(patch: patch, width: d, kernel: 3, channels: channels)
      let tokens = AttentionFormulas.tokens(height: 512, width: 512, patch: patch)
      return [
        "\(patch)", tokens.grouped, AttentionFormulas.scoreMACs(tokens: tokens, width: d).grouped,
        AttentionFormulas.projectionMACs(tokens: tokens, width: d).grouped,
        crossing == 0 ? "always dearer" : "\(Int(crossing)) pixels",
      ]
    }
    let convolution = ConvolutionFormulas.standardMACs(
      height: 512, width: 512, inputs: channels, outputs: channels, kernel: 3)
    return """
      ## Attention against convolution

      Self-attention of width \(d) over patches of 512×512 pixels, beside a 3×3 convolution of \(channels) channels on the pixels, which takes
      \(convolution.grouped) multiply–adds. Scores grow with N², projections with N; they are equal at
      N = 2d = \(AttentionFormulas.tokensWhereScoresEqualProjections(width: d)) tokens. Parameters: \
      \(AttentionFormulas.parameters(width: d).grouped) and
      \(ConvolutionFormulas.standardParameters(inputs: channels, outputs: channels, kernel: 3).grouped).

      \(markdownTable(
        ["patch", "tokens", "scores, 2 N² d", "projections, 4 N d²", "side from which attention is dearer"], rows))

      ![attention against convolution](\(crossingPicture))
      """
  }

  private static let crossingPicture = "attention-crossing.svg"

  /// The chart of multiply–adds by the image's side.
  private static var crossing: SVGChart {
    let (d, channels) = (768, 64)
    let sides = (0...28).map { Int((64 * pow(2, Double($0) / 4)).rounded()) / 32 * 32 }
    let convolution = SVGChart.Series(
      name: "3×3, \(channels) channels", mark: .dashedLine,
      points: sides.map { side in
        let macs = ConvolutionFormulas.standardMACs(
          height: side, width: side, inputs: channels, outputs: channels, kernel: 3)
        return .init(x: Double(side), y: Double(macs))
      })
    let attention = [4, 8, 16, 32].map { patch in
      SVGChart.Series(
        name: "attention, patch \(patch)", mark: .line,
        points: sides.map { side in
          let tokens = AttentionFormulas.tokens(height: side, width: side, patch: patch)
          let macs =
            AttentionFormulas.scoreMACs(tokens: tokens, width: d)
            + AttentionFormulas.projectionMACs(tokens: tokens, width: d)
          return .init(x: Double(side), y: Double(macs))
        })
    }
    return SVGChart(
      title: "Self-attention against a convolution on the pixels",
      subtitle: "width \(d); where a line crosses the dashed one, attention becomes dearer",
      x: .init(label: "side of the image in pixels", scale: .logarithmic),
      y: .init(label: "multiply–adds", scale: .logarithmic), series: [convolution] + attention)
  }

  private static func pyramidPooling() throws -> String {
    let (height, width, inputs, outputs, rates) = (33, 33, 2048, 256, 3)
    let parallel = DecoderFormulas.pyramidPoolingMACs(
      height: height, width: width, inputs: inputs, outputs: outputs, rates: rates)
    let serial = DecoderFormulas.serialAtrousMACs(
      height: height, width: width, inputs: inputs, outputs: outputs, rates: rates)
    return """
      ## Atrous convolutions side by side and one after the other

      \(inputs) → \(outputs) channels on \(height)×\(width) pixels, \(rates) rates: side by side with a 1×1, pooling and a joining 1×1
      \(parallel.grouped) multiply–adds, one after the other \(serial.grouped), \((Double(parallel) / Double(serial)).fixed(2)) times fewer.
      """
  }

  private static func skips() throws -> String {
    let rows = (1...5).map { depth -> [String] in
      let dense = DecoderFormulas.denseSkipElements(height: 256, width: 256, channels: 32, depth: depth)
      let plain = DecoderFormulas.skipElements(height: 256, width: 256, channels: 32, depth: depth)
      return [
        "\(depth)", (Double(4 * plain) / 1e6).fixed(1), (Double(4 * dense) / 1e6).fixed(1),
        (Double(dense) / Double(plain)).fixed(2),
      ]
    }
    let levels = 4
    let pyramid = DecoderFormulas.pyramidElements(
      height: 512, width: 512, channels: 256, firstStride: 4, levels: levels)
    return """
      ## Maps that are kept

      U-Net and U-Net++ of 32 channels on 256×256 pixels, the maps of all nodes in MB of float32:

      \(markdownTable(["depth", "U-Net", "U-Net++", "factor"], rows))

      A feature pyramid of 256 channels at strides 4 to 32 of 512×512 pixels holds \((Double(4 * pyramid) / 1e6).fixed(1)) MB,
      \((Double(pyramid) / Double(256 * 128 * 128)).fixed(3)) times its finest map (limit 4/3).
      """
  }

  private static var localization: String {
    """
    ## Localisation

    Where one label stands for a cell of the output stride, a pixel is on average
    \([4, 8, 16, 32].map { "\(ConvolutionFormulas.localizationError(outputStride: $0).fixed(2)) pixels (stride \($0))" }
      .joined(separator: ", ")) from its cell's centre.
    """
  }
}
