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
    made("Segmenter", "upsample") {
      var network = SegmenterNetwork(VisionTransformer(width: 16, depth: 1, heads: 2, patch: 8), embeddedSize: 32)
      network.classes = 3
      network.upsampling = $0
      return network
    },
    made("FCN on VGG-16", "upscore2") {
      var network = FCNVGG16(.s8, classes: 2)
      network.classifierWidth = 4
      network.upsampling = $0
      return network
    },
    made("FCN", "upsample") {
      var network = FCN(backbone, classes: 2, auxiliaryFeature: nil)
      network.upsampling = $0
      return network
    },
    made("DeepLab v1", "upsample") {
      var network = DeepLabV1(classes: 2)
      network.classifierWidth = 4
      network.upsampling = $0
      return network
    },
    made("DeepLab v2", "upsample") {
      var network = DeepLabV2(bottlenecks, classes: 2)
      network.upsampling = $0
      return network
    },
    made("DeepLab v3", "upsample") {
      var network = DeepLabV3(backbone, classes: 2, auxiliaryFeature: nil)
      network.upsampling = $0
      return network
    },
    made("DeepLab v3+", "decoder.up") {
      var network = DeepLabV3Plus(backbone, classes: 2)
      network.width = 8
      network.upsampling = $0
      return network
    },
    made("LR-ASPP", "classifier.up") {
      var network = LRASPP(classes: 2)
      network.width = 8
      network.upsampling = $0
      return network
    },
    made("FPN", "decoder.seg_blocks.0.block.2.up") {
      var network = FPN(backbone, classes: 2)
      (network.pyramidWidth, network.width) = (8, 32)
      (network.upsampling, network.branchUpsampling) = ($0, $0)
      return network
    },
    made("PSPNet", "segmentation_head.1") {
      var network = PSPNet(backbone, classes: 2)
      network.width = 8
      network.upsampling = $0
      return network
    },
    made("UPerNet", "decoder.fusion_up.3") {
      var network = UPerNet(backbone, classes: 2)
      network.width = 8
      network.upsampling = $0
      return network
    },
    made("BiSeNetV1", "cp.up32") {
      var network = BiSeNetV1()
      network.backbone = backbone
      (network.spatialWidth, network.pathWidth, network.fusionWidth) = (4, 8, 12)
      network.upsampling = $0
      return network
    },
    made("BiSeNetV2", "bga.up2") {
      var network = BiSeNetV2()
      (network.detailWidths, network.semanticWidths) = ([4, 4, 8], [4, 4, 6, 8])
      network.headWidth = 12
      network.upsampling = $0
      return network
    },
    made("Fast-SCNN", "feature_fusion.upsample") {
      var network = FastSCNN()
      (network.stemWidths, network.bottleneckWidths, network.repeats) = ([4, 6, 8], [8, 8, 12], [1, 1, 1])
      network.width = 8
      network.upsampling = $0
      return network
    },
    made("ENet", "upsample5_0.main_up1") {
      var network = ENet()
      network.widths = [8, 16, 32]
      network.upsampling = $0
      return network
    },
  ]

  private static func made(
    _ name: String, _ parameter: String, _ make: @escaping @Sendable (Upsampling) -> any SegmentationNetwork
  ) -> (name: String, make: @Sendable (Upsampling) -> any SegmentationNetwork, parameter: String) {
    (name, make, parameter)
  }

  /// Those whose encoders pool by two, level by level, have indices to unpool by.
  private static let unpooling: Set<String> = ["U-Net", "U-Net++", "ENet"]

  private static var backbone: ResNet {
    var backbone = ResNet(.basic, blocks: [1, 1, 1, 1])
    backbone.width = 4
    return backbone
  }

  private static var bottlenecks: ResNet {
    var backbone = ResNet(.bottleneck, blocks: [1, 1, 1, 1])
    backbone.width = 4
    return backbone
  }

  @Test(arguments: decoders.indices) func eachFormReachesTheImagesSize(_ index: Int) throws {
    let (name, make, parameter) = Self.decoders[index]
    for upsampling in Upsampling.all {
      if upsampling == .maxUnpooling && !Self.unpooling.contains(name) { continue }
      let network = make(upsampling)
      let graph = try network.graph(size: 64)
      let model = try Model(graph, parameters: Parameters(initializing: graph, seed: 1))
      for size in [Extent2D(64), Extent2D(height: 45, width: 70)] {
        let output = try model(noise([1, size.height, size.width, 3], seed: 2))
        #expect(output.shape == [1, size.height, size.width, network.classes], "\(name) \(upsampling)")
        #expect(output.range > 0 && output.range.isFinite, "\(name) \(upsampling)")
      }
      // ENet's unpooling has no convolution of its own.
      let hasParameters = graph.parameters.contains { $0.name.hasPrefix(parameter + ".") }
      #expect(
        hasParameters == (upsampling.changesWidth && !(name == "ENet" && upsampling == .maxUnpooling)),
        "\(name) \(upsampling)")
    }
  }
}
