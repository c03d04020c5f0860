import SegEngine

/// U²-Net (Qin et al., Pattern Recognition 106, 2020): a U-Net of six stages, each of which is a U-Net itself.
///
/// A stage is a residual U-block (RSU): a convolution to the stage's width, a small U-Net of the stage's inner width, and
/// the sum of both. The four upper stages halve the map inside the block; the lower two keep its size and dilate
/// instead. Each decoder stage has a side output, and a 1×1 convolution fuses the six. Parameters have the names of the
/// authors' checkpoints.
public struct U2Net: SegmentationNetwork, Hashable {
  /// Channels of the input image.
  public var inputChannels = 3
  /// The number of logits per pixel.
  public var classes = 1
  /// Output channels of the six encoder stages. A decoder stage outputs the width of the encoder stage above.
  public var widths = [64, 128, 256, 512, 512, 512]
  /// Inner channels of the blocks of the six encoder stages.
  public var innerWidths = [32, 32, 64, 128, 256, 256]
  /// Inner channels of the blocks of the five decoder stages, from the finest on.
  public var decoderInnerWidths = [16, 32, 64, 128, 256]

  /// Creates the network of the paper, with 44 million parameters.
  public init() {}

  /// U²-Net†, the small variant of the paper, called u2netp: 64 channels in every stage, 1.1 million parameters.
  public static var small: U2Net {
    var network = U2Net()
    network.widths = Array(repeating: 64, count: 6)
    network.innerWidths = Array(repeating: 16, count: 6)
    network.decoderInnerWidths = Array(repeating: 16, count: 5)
    return network
  }

  public var title: String { widths[5] == 64 ? "U²-Net†" : "U²-Net" }

  public var features: [Feature] {
    widths.enumerated().map { Feature("stage\($0 + 1)", channels: $1, stride: 1 << $0) }
  }

  /// Maps are halved with rounding up, so every size is supported.
  public var minimumSize: Extent2D { 1 }

  public var auxiliaryOutputs: [String] { (1...6).map { "side\($0)" } }

  public var checkpoints: CheckpointMapping {
    CheckpointMapping(head: auxiliaryOutputs.map { "\($0)." } + ["outconv."])
  }

  public func encoder(_ image: Value) -> [Value] {
    var maps: [Value] = []
    for stage in 0..<6 {
      let x = maps.last?.maxPool(kernel: 2, roundingUp: true, named: "pool\(stage)\(stage + 1)") ?? image
      maps.append(block("stage\(stage + 1)", x, depth: 7 - stage, innerWidths[stage], widths[stage]))
    }
    return maps
  }

  public func decoder(_ features: [Value]) -> [Value] {
    var maps = [features[5]]
    for stage in (0..<5).reversed() {
      let x = [maps[0].resize(like: features[stage]), features[stage]].concatenated()
      maps.insert(
        block("stage\(stage + 1)d", x, depth: 7 - stage, decoderInnerWidths[stage], widths[max(0, stage - 1)]), at: 0)
    }
    return maps
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    sides(maps).concatenated().conv("outconv", classes, kernel: 1)
  }

  public func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value] { sides(maps) }

  /// The side outputs at the image's size.
  private func sides(_ maps: [Value]) -> [Value] {
    maps.enumerated().map { index, map in
      let side = map.conv("side\(index + 1)", classes, kernel: 3)
      return index == 0 ? side : side.resize(like: maps[0])
    }
  }

  /// A residual U-block. `depth` counts its layers; one of five layers or more halves the map between the layers, one
  /// of fewer than four is the block RSU-4F, which dilates by 1, 2, 4 and 8.
  private func block(_ name: String, _ image: Value, depth: Int, _ inner: Int, _ width: Int) -> Value {
    image.graph.scope(name) {
      let layers = max(4, depth)
      let isDilated = depth < 4
      func layer(_ name: String, _ x: Value, _ width: Int, dilation: Int) -> Value {
        x.graph.scope("rebnconv\(name)") {
          x.conv("conv_s1", width, kernel: 3, dilation: Extent2D(dilation)).batchNorm("bn_s1").relu()
        }
      }
      let x = layer("in", image, width, dilation: 1)
      var maps: [Value] = []
      for index in 1..<layers {
        let isPooled = !isDilated && index > 1
        let input =
          maps.last.map { isPooled ? $0.maxPool(kernel: 2, roundingUp: true, named: "pool\(index - 1)") : $0 } ?? x
        maps.append(layer("\(index)", input, inner, dilation: isDilated ? 1 << (index - 1) : 1))
      }
      var y = layer("\(layers)", maps[layers - 2], inner, dilation: isDilated ? 1 << (layers - 1) : 2)
      for index in (1..<layers).reversed() {
        // The bottom layer has the size of the map before it.
        if !isDilated, index < layers - 1 { y = y.resize(like: maps[index - 1]) }
        y = layer(
          "\(index)d", [y, maps[index - 1]].concatenated(), index == 1 ? width : inner,
          dilation: isDilated ? 1 << (index - 1) : 1)
      }
      return x + y
    }
  }
}
