import SegEngine
import SegModels
import Testing

/// Vision transformers as classifiers, against timm's, and the published figures of the networks built upon them.
@Suite struct TransformerTests {
  /// Of `vit` position embeddings of a grid of 6×6 for images of that grid, of a larger one and of a smaller one, which patches do
  /// not divide.
  @Test(arguments: ["vit", "mit"]) func classifiersAreThoseOfTheReference(_ name: String) throws {
    let fixture = try ZooFixture(name)
    var transformer = VisionTransformer(width: 24, depth: 3, heads: 3, patch: 8)
    transformer.embeddedSize = 48
    let network: any Backbone =
      name == "vit" ? transformer : MixTransformer(widths: [8, 8, 10, 16], depths: [1, 1, 2, 1])
    let graph = try network.classificationGraph(size: 48, classes: 5)
    try Parameters(fixture.parameterShapes.mapValues { Tensor(zeros: $0) }).validate(for: graph)
    let parameters = SeededNumbers.parameters(of: graph, statistics: [:])
    #expect(!fixture.results.isEmpty)
    for optimizes in [true, false] {
      let model = try Model(graph, parameters: parameters, options: CompileOptions(optimizes: optimizes))
      for (image, outputs) in fixture.results {
        let wanted = try outputs.named("logits")
        #expect(try model(image).distance(to: wanted) <= 1e-5 * wanted.range, "\(image.shape)")
      }
    }
  }

  /// Table 1 of the SegFormer paper, in millions to the digit given.
  @Test func segFormersHaveThePublishedNumbersOfParameters() throws {
    for (index, millions) in [3.8, 13.7, 27.5, 47.3, 64.1, 84.7].enumerated() {
      let count = try GraphSummary(SegFormer.published(index).graph(size: 64)).trainableParameterCount
      #expect(abs(Double(count) / 1e6 - millions) < 0.06, "B\(index): \(count)")
    }
  }

  /// The figure counts the classification head that the checkpoint holds besides.
  @Test func segmenterLMaskHasThePublishedNumberOfParameters() throws {
    var network = SegmenterNetwork(.large(), embeddedSize: 640)
    network.classes = 150
    let count = try GraphSummary(network.graph(size: 64)).parameterCount + 1024 * 1000 + 1000
    #expect(abs(Double(count) / 1e6 - 334.26) < 0.005, "\(count)")
  }

  @Test func theChannelsDivideIntoHeads() {
    var network = SETR(VisionTransformer(width: 10, depth: 4, heads: 3), decoder: .naive)
    network.classes = 2
    #expect(throws: GraphError.self) { try network.graph(size: 32) }
  }
}
