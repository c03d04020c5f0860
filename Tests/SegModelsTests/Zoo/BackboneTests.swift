import SegEngine
import SegModels
import Testing

/// Backbones with their classifiers against those of torchvision and timm. Loops over that many weights need optimised code.
@Suite(.enabled(if: isOptimized)) struct BackboneTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let backbone: any Backbone

    init(_ name: String, _ backbone: any Backbone) {
      self.name = "backbone-\(name)"
      self.backbone = backbone
    }

    var testDescription: String { name }

    static let all: [Case] = [
      Case("resnet18", ResNet(.basic, blocks: [2, 1, 2, 1])),
      Case("resnet18-stride8", ResNet(.basic, blocks: [1, 1, 2, 2]).dilated(outputStride: 8, .withFirstBlock)),
      Case(
        "resnet50-multigrid",
        ResNet(.bottleneck, blocks: [1, 1, 1, 3]).dilated(outputStride: 16, .withFirstBlock, multiGrid: [1, 2, 4])),
      Case("mobilenet-v2-half", MobileNetV2(widthMultiplier: 0.5)),
      Case("mobilenet-v3", MobileNetV3()),
      Case("vgg16", narrow(VGG16())),
      Case("vgg16-bn", narrow(VGG16(hasBatchNorm: true))),
      Case("xception", Xception65(middleBlocks: 2)),
    ]

    private static func narrow(_ network: VGG16) -> VGG16 {
      var network = network
      network.classifierWidth = 24
      return network
    }
  }

  @Test(arguments: Case.all) func logitsAreThoseOfTheReference(_ test: Case) throws {
    let fixture = try ZooFixture(test.name)
    let graph = try test.backbone.classificationGraph(size: Extent2D(height: 64, width: 64), classes: 5)
    // Strict: neither a missing nor an unused name.
    try Parameters(fixture.parameterShapes.mapValues { Tensor(zeros: $0) }).validate(for: graph)
    let parameters = SeededNumbers.parameters(of: graph, statistics: fixture.statistics)
    for optimizes in [true, false] {
      let model = try Model(graph, parameters: parameters, options: CompileOptions(optimizes: optimizes))
      for (image, outputs) in fixture.results {
        let wanted = try outputs.named("logits")
        #expect(try model(image).distance(to: wanted) <= 1e-4 * wanted.range, "\(image.shape), optimised \(optimizes)")
      }
    }
  }

  @Test(arguments: Case.all) func featuresHaveTheirStridesAndWidths(_ test: Case) throws {
    var network = test.backbone
    network.inputChannels = 4
    func shapes(_ size: Int) throws -> [Shape] {
      var shapes: [Shape] = []
      _ = try Graph("features") { g in
        let image = g.input("image", [2, size, size, 4])
        shapes = network.features(of: image).map(\.shape)
        g.output("image", image)
      }
      return shapes
    }
    let (small, large) = (try shapes(128), try shapes(192))
    #expect(small.count == network.features.count)
    for (index, feature) in network.features.enumerated() {
      #expect(small[index].batch == 2 && small[index].channels == feature.channels, "\(feature)")
      #expect((large[index].height - small[index].height) * feature.stride == 64, "\(feature)")
    }
  }
}
