import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// Networks that are written as ONNX files and read again.
@Suite struct ZooExportTests {
  /// The outputs are those of the network, auxiliary heads included, and the optimised graph has as many convolutions. Sums are formed in
  /// another order: the error is in proportion to the largest logit.
  @Test(arguments: ZooCase.all) func networksComeBackAsTheyWere(_ test: ZooCase) throws {
    let fixture = try ZooFixture(test.name)
    let graph = try test.network.graph(size: test.size, auxiliary: true)
    let parameters = SeededNumbers.parameters(of: graph, statistics: fixture.statistics)
    let path = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString).onnx")
      .path(percentEncoded: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try graph.writeONNX(to: path, parameters: parameters)
    let file = try ONNXModel(contentsOf: path)
    #expect(file.opset == 17)
    #expect(file.outputs == graph.outputs.map(\.name))
    let (original, model) = (try Model(graph, parameters: parameters), try Model(file, channelsLast: true))
    let image = try #require(graph.inputs.first.map { graph[$0.value].spec.shape })
    for batch in [1, 2] {
      let inputs = [
        "image": SeededNumbers.image(batch, channelsFirst: [batch, image.channels, image.height, image.width])
      ]
      let (expected, actual) = (try original.run(inputs), try model.run(inputs))
      for (name, expected) in expected {
        let largest = expected.floats.map(abs).max() ?? 0
        let difference = try actual.named(name).distance(to: expected)
        #expect(difference <= 1e-5 * largest, "\(name), batch \(batch): \(difference) of \(largest)")
      }
    }
    #expect(try convolutions(model, image) == convolutions(original, image))
  }

  /// The number of steps that are convolutions, linear layers or matrix products. A product with a parameter is imported as a linear layer;
  /// attention is two products, into which the import leaves it apart where it has one head.
  private func convolutions(_ model: Model, _ image: Shape) throws -> Int {
    let kinds = [
      Convolution.name, TransposedConvolution.name, Linear.name, MatMul.name, "PoolingConvolution",
      "SeparableConvolution", "PlanarConvolution",
    ]
    return try model.compiled(for: ["image": image]).plan.steps.reduce(0) { count, step in
      count + (kinds.contains(step.kind) ? 1 : step.kind == Attention.name ? 2 : 0)
    }
  }
}
