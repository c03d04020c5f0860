import SegEngine
import SegModels
import Testing

/// Up-sampling is one choice, which decoders take alike.
@Suite struct DecoderUpsamplingTests {
  /// The decoders that take any form, and the name of a parameter that only transposed convolution or a sub-pixel convolution has.
  static let decoders: [(name: String, make: @Sendable (Upsampling) -> any SegmentationNetwork, parameter: String)] = [
    (
      "U-Net",
      {
        var network = UNet()
        network.widths = [4, 6, 8]
        network.upsampling = $0
        return network
      }, "up1.up"
    ),
    (
      "U-Net++",
      {
        var network = NestedUNet()
        network.widths = [4, 6, 8]
        network.upsampling = $0
        return network
      }, "up1_1"
    ),
    (
      "U-Net 3+",
      {
        var network = UNet3Plus()
        network.widths = [4, 6, 8]
        network.upsampling = $0
        return network
      }, "hd3_UT_hd1"
    ),
    (
      "U-Net on a backbone",
      {
        var network = EncoderUNet(backbone)
        network.decoderWidths = [8, 6, 4, 4, 4]
        network.upsampling = $0
        return network
      }, "decoder.blocks.4.up"
    ),
    (
      "U-Net++ on a backbone",
      {
        var network = EncoderNestedUNet(backbone)
        network.decoderWidths = [8, 6, 4, 4, 4]
        network.upsampling = $0
        return network
      }, "decoder.blocks.x_1_3.up"
    ),
    (
      "SegFormer",
      {
        var network = SegFormer(MixTransformer(widths: [8, 8, 10, 16], depths: [1, 1, 1, 1]))
        network.decoderWidth = 4
        network.upsampling = $0
        return network
      }, "up.3"
    ),
    (
      "SETR",
      {
        var network = SETR(
          VisionTransformer(width: 16, depth: 4, heads: 2, patch: 8), decoder: .progressive, embeddedSize: 32)
        network.headWidth = 4
        network.upsampling = $0
        return network
      }, "decode_head.up_convs.2.1"
    ),
  ]

  private static var backbone: ResNet {
    var backbone = ResNet(.basic, blocks: [1, 1, 1, 1])
    backbone.width = 4
    return backbone
  }

  @Test(arguments: decoders.indices) func eachFormReachesTheImagesSize(_ index: Int) throws {
    let (name, make, parameter) = Self.decoders[index]
    for upsampling in Upsampling.all {
      // Only an encoder that pools by two, level by level, has indices to unpool by.
      if upsampling == .maxUnpooling && name != "U-Net" && name != "U-Net++" { continue }
      let network = make(upsampling)
      let graph = try network.graph(size: 64)
      let model = try Model(graph, parameters: Parameters(initializing: graph, seed: 1))
      for size in [Extent2D(64), Extent2D(45, 70)] {
        let output = try model(noise([1, size.height, size.width, 3], seed: 2))
        #expect(output.shape == [1, size.height, size.width, network.classes], "\(name) \(upsampling)")
        #expect(output.range > 0 && output.range.isFinite, "\(name) \(upsampling)")
      }
      let hasParameters = graph.parameters.contains { $0.name.hasPrefix(parameter + ".") }
      #expect(hasParameters == upsampling.changesWidth, "\(name) \(upsampling)")
    }
  }
}
