import SegEngine
import SegModels
import Testing

extension PublishedFigure {
  /// Of transformers, U-Nets and networks for real time.
  static let others: [PublishedFigure] = [
    PublishedFigure("ViT-B/16", parameters: 86_567_656, gmac: 17.564) {
      try VisionTransformer.base().classificationGraph()
    },
    PublishedFigure("ViT-L/16", parameters: 304_326_632, gmac: 61.555) {
      try VisionTransformer.large().classificationGraph()
    },
    // timm's vit_tiny_patch16_224, vit_small_patch16_224, vit_small_patch32_224, vit_base_patch8_224, vit_base_patch32_224.
    PublishedFigure("ViT-T/16", parameters: 5_717_416) { try VisionTransformer.tiny().classificationGraph() },
    PublishedFigure("ViT-S/16", parameters: 22_050_664) { try VisionTransformer.small().classificationGraph() },
    PublishedFigure("ViT-S/32", parameters: 22_878_952) {
      try VisionTransformer.small(patch: 32).classificationGraph()
    },
    PublishedFigure("ViT-B/8", parameters: 86_576_872) { try VisionTransformer.base(patch: 8).classificationGraph() },
    PublishedFigure("ViT-B/32", parameters: 88_224_232) { try VisionTransformer.base(patch: 32).classificationGraph() },
    PublishedFigure("U-Net++, base 32, bilinear", parameters: 9_163_329) { try NestedUNet().graph(size: 64) },
  ]
}

/// Figures that are published rounded.
@Suite struct RoundedFiguresTests {
  /// Of the paper's network; its table says 0.37 million, the port that this project follows 0.36.
  @Test func enetHasThirtySixHundredthsOfAMillion() throws {
    let count = try GraphSummary(ENet.published.graph(size: 64)).trainableParameterCount
    #expect((360_000..<370_000).contains(count), "\(count)")
  }

  /// A third party's 5.39 · 10⁹ multiply–adds at 512 × 1024, of the port's network with Cityscapes' 19 classes and one for what has no
  /// label. Its rule counts a transposed convolution on its output's size, s² times as much as the definition asks for.
  @Test func enetMultipliesAsAThirdPartyCounts() throws {
    var network = ENet()
    network.classes = 20
    let summary = try GraphSummary(network.graph(size: Extent2D(height: 512, width: 1024)))
    let counted = summary.layers.reduce(0) { sum, layer in
      sum + layer.cost.macs * (layer.operation == "TransposedConvolution" ? 4 : 1)
    }
    #expect((Double(counted) / 1e7).rounded() == 539, "\(counted)")
    #expect((Double(summary.total.macs) / 1e6).rounded() == 4_056, "\(summary.total.macs)")
  }
}
