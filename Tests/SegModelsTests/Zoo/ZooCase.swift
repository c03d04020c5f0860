import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// A small network of the zoo, and what the reference module of the same form computed (`Tests/Parity/zoo.py fixtures`).
///
/// A family lists its cases in a file of its own, and here.
struct ZooCase: Sendable, CustomTestStringConvertible {
  /// The fixture's name under `Tests/Fixtures/zoo`.
  let name: String
  let network: any SegmentationNetwork

  init(_ name: String, _ network: any SegmentationNetwork) {
    self.name = name
    self.network = network
  }

  var testDescription: String { name }

  /// All of them; without optimisation, as under the sanitizers, the smallest, since loops over weights are hundreds of times slower.
  static let all: [ZooCase] = everything.filter { test in
    guard !isOptimized else { return true }
    let graph = try? test.network.graph(size: test.size, auxiliary: true)
    return (graph?.parameters.reduce(0) { $0 + $1.spec.shape.elementCount } ?? 0) < 200_000
  }

  private static let everything: [ZooCase] =
    unets + skips + nestedUNets + encoderUNets + torchvision + segmentationModels + caffe + transformers + realTime
    + salient
}

/// What the reference said.
struct ZooFixture {
  private struct Description: Decodable {
    let parameters: [String: [Int]]
    let inputs: [[Int]]
  }

  /// The module's state dict: shapes by name, without the counters of batch normalisation.
  let parameterShapes: [String: Shape]
  /// Running statistics by name.
  let statistics: [String: Tensor]
  /// For each image the outputs by name, `[batch, height, width, channels]` (of classifiers `[batch, classes]`).
  let results: [(image: Tensor, outputs: [String: Tensor])]

  init(_ name: String) throws {
    let file = try Safetensors(contentsOf: Fixtures.path("Tests/Fixtures/zoo/\(name).safetensors"))
    let text = try #require(file.metadata["description"])
    let description = try JSONDecoder().decode(Description.self, from: Data(text.utf8))
    parameterShapes = description.parameters.mapValues { Shape($0) }
    statistics = Fixtures.tensors(file.tensors, below: "statistic/")
    results = description.inputs.indices.map { index in
      let outputs = Fixtures.tensors(file.tensors, below: "output/\(index)/")
      return (
        SeededNumbers.image(index, channelsFirst: description.inputs[index]),
        outputs.mapValues { $0.shape.rank == 4 ? $0.channelsLast : $0 }
      )
    }
  }
}
