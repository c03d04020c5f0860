import SegEngine
import SegModels
import Testing

/// Decoders that take each way of enlarging a map. Their usual way is held against references by `ZooTests`, the others as blocks of
/// the U-Net.
@Suite struct UpsamplingTests {
  static let ways: [Upsampling] = Upsampling.all.filter { $0 != .maxUnpooling }

  private func networks(_ way: Upsampling) -> [any SegmentationNetwork] {
    let backbone = ResNet(.basic, blocks: [1, 1, 1, 1])
    var fpn = FPN(backbone, classes: 3)
    (fpn.pyramidWidth, fpn.width, fpn.upsampling) = (8, 32, way)
    var uperNet = UPerNet(backbone, classes: 3)
    (uperNet.width, uperNet.upsampling) = (8, way)
    var plus = DeepLabV3Plus(backbone.dilated(outputStride: 16), classes: 3)
    (plus.width, plus.upsampling) = (8, way)
    var lite = LRASPP(classes: 3)
    (lite.width, lite.upsampling) = (8, way)
    return [fpn, uperNet, plus, lite]
  }

  /// 37×50 is halved to 19×25, 10×13, 5×7 and 3×4: what is enlarged by 2 is cropped.
  @Test(.enabled(if: isOptimized), arguments: ways)
  func everyDecoderTakesEveryWay(_ way: Upsampling) throws {
    for network in networks(way) {
      let graph = try network.graph(size: 64)
      let parameters = SeededNumbers.parameters(of: graph)
      let image = noise([1, 37, 50, 3], seed: 1)
      let logits = try Model(graph, parameters: parameters)(image)
      #expect(logits.shape == [1, 37, 50, 3], "\(network.title)")
      let plain = try Model(graph, parameters: parameters, options: .init(optimizes: false))(image)
      #expect(logits.distance(to: plain) <= 1e-4 * plain.range, "\(network.title)")
      // A learned enlargement has weights, under a name of its own; the others have none.
      #expect(graph.parameters.contains { $0.name.contains(".up.") } == way.changesWidth, "\(network.title)")
    }
  }

  /// Sub-pixel weights begin as nearest-neighbour enlargement, so that the blocks of a decoder begin even.
  @Test func aSubpixelDecoderBeginsEven() throws {
    var network = UNet()
    network.widths = [2, 3]
    network.upsampling = .subpixel
    let graph = try network.graph(size: 8)
    let weights = try #require(Parameters(initializing: graph, seed: 1)["up1.up.0.weight"])
    #expect(weights.shape == [8, 3, 3, 3])
    let values = weights.floats
    for channel in 0..<8 {
      #expect(values[channel * 27..<channel * 27 + 27] == values[channel / 4 * 108..<channel / 4 * 108 + 27])
    }
    #expect(values[0..<27] != values[108..<135])
  }
}
