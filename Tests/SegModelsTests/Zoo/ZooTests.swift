import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// What holds for every architecture.
@Suite struct ZooTests {
  /// The reference's outputs, auxiliary heads included, as written and optimised. Sums are formed in another order than PyTorch's,
  /// which changes some 1e-6 of the range; 1e-4 leaves room for deep networks.
  @Test(arguments: ZooCase.all) func outputsAreThoseOfTheReference(_ test: ZooCase) throws {
    let fixture = try ZooFixture(test.name)
    let graph = try test.network.graph(size: test.size, auxiliary: true)
    let parameters = SeededNumbers.parameters(of: graph, statistics: fixture.statistics)
    #expect(!fixture.results.isEmpty)
    for optimizes in [true, false] {
      let model = try Model(graph, parameters: parameters, options: CompileOptions(optimizes: optimizes))
      for (image, wanted) in fixture.results {
        let outputs = try model.run(["image": image])
        #expect(Set(outputs.keys) == Set(["logits"] + test.network.auxiliaryOutputs))
        #expect(Set(outputs.keys) == Set(wanted.keys))
        for (name, wanted) in wanted {
          let output = try outputs.named(name)
          let difference = output.distance(to: wanted)
          #expect(
            difference <= 1e-4 * wanted.range,
            "\(name) of \(image.shape), optimised \(optimizes): \(output.shape), \(difference) of \(wanted.range)")
          if wanted.shape.channels > 1 { #expect(output.agreement(with: wanted) >= 0.999, "\(name) of \(image.shape)") }
        }
      }
    }
  }

  /// The graph's names and shapes are the module's: a saved state dict loads with no missing and no unused key.
  @Test(arguments: ZooCase.all) func namesAreThoseOfTheReference(_ test: ZooCase) throws {
    let fixture = try ZooFixture(test.name)
    let graph = try test.network.graph(size: test.size, auxiliary: true)
    let checkpoint = Parameters(fixture.parameterShapes.mapValues { Tensor(zeros: $0) })
    _ = try test.network.parameters(from: checkpoint, for: graph)
    // What was saved by a wrapped module, and without auxiliary heads.
    let wrapped = Parameters(
      Dictionary(uniqueKeysWithValues: checkpoint.tensors.map { ("module.model.\($0)", $1) }))
    let plain = try test.network.graph(size: test.size)
    _ = try test.network.parameters(from: wrapped, for: plain)
  }

  @Test(arguments: ZooCase.all) func weightsSurviveAFile(_ test: ZooCase) throws {
    let graph = try test.network.graph(size: test.size, auxiliary: true)
    let parameters = SeededNumbers.parameters(of: graph)
    let file = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString).safetensors")
      .path(percentEncoded: false)
    defer { try? FileManager.default.removeItem(atPath: file) }
    try parameters.write(to: file)
    let read = try Parameters(contentsOf: file)
    #expect(read.tensors == parameters.tensors)
    try read.validate(for: graph)
  }

  /// Another number of classes is an error, unless the head is left out on purpose.
  @Test(arguments: ZooCase.all) func aHeadOfOtherClassesIsLeftOutOnPurposeAlone(_ test: ZooCase) throws {
    let checkpoint = SeededNumbers.parameters(of: try test.network.graph(size: test.size, auxiliary: true))
    var other = test.network
    other.classes = test.network.classes + 3
    let graph = try other.graph(size: test.size, auxiliary: true)
    #expect(throws: ParameterError.self) { try other.parameters(from: checkpoint, for: graph) }
    let parameters = try other.parameters(from: checkpoint, for: graph, head: .drawn(seed: 7))
    let kept = graph.parameters.filter { info in !other.checkpoints.head.contains { info.name.hasPrefix($0) } }
    #expect(!kept.isEmpty && kept.count < graph.parameters.count)
    for info in kept { #expect(parameters[info.name] == checkpoint[info.name]) }
  }

  /// Any size from the smallest on, any number of classes; each feature map has the stride that it states.
  @Test(arguments: ZooCase.all) func everySizeAndClassCountFits(_ test: ZooCase) throws {
    let least = test.network.minimumSize
    for (classes, size) in [
      (1, least), (4, Extent2D(height: least.height + 1, width: least.width + 7)),
      (2, Extent2D(height: least.height * 2 + 5, width: least.width + 3)),
    ] {
      var network = test.network
      network.classes = classes
      let graph = try network.graph(size: test.size, auxiliary: true)
      let model = try Model(graph, parameters: SeededNumbers.parameters(of: graph))
      let image = noise([2, size.height, size.width, network.inputChannels], seed: 5)
      let outputs = try model.run(["image": image])
      #expect(try outputs.named("logits").shape == [2, size.height, size.width, classes])
      #expect(outputs.count == 1 + network.auxiliaryOutputs.count)
    }
    // An image that is larger by 64 pixels has 64 / stride more pixels in each feature map.
    func maps(_ size: Extent2D) throws -> [Shape] {
      var shapes: [Shape] = []
      _ = try Graph("features") { g in
        let image = g.input("image", [1, size.height, size.width, test.network.inputChannels])
        let maps = test.network.encoder(image)
        #expect(maps.count >= test.network.features.count)
        shapes = maps.map(\.shape)
        g.output("image", image)
      }
      return shapes
    }
    let base = try maps(Extent2D(height: 128, width: 192))
    let larger = try maps(Extent2D(height: 192, width: 320))
    for (index, feature) in test.network.features.enumerated() where base[index].rank == 4 {
      #expect(base[index].channels == feature.channels, "\(feature)")
      #expect((larger[index].height - base[index].height) * feature.stride == 64, "\(feature)")
      #expect((larger[index].width - base[index].width) * feature.stride == 128, "\(feature)")
    }
  }

  @Test(arguments: ZooCase.all) func aBatchIsItsImages(_ test: ZooCase) throws {
    let graph = try test.network.graph(size: test.size)
    let model = try Model(graph, parameters: SeededNumbers.parameters(of: graph))
    let shape: Shape = [3, test.size.height, test.size.width, test.network.inputChannels]
    let batch = noise(shape, seed: 3)
    let together = try model(batch)
    #expect(try model(batch) == together)
    let (each, result) = (batch.count / 3, together.count / 3)
    for index in 0..<3 {
      let one = try model(
        Tensor(shape.replacing(axis: 0, with: 1), Array(batch.floats[index * each..<(index + 1) * each])))
      let part = Tensor(one.shape, Array(together.floats[index * result..<(index + 1) * result]))
      // Another number of rows may be cut into other tiles, whose sums the processor forms in another order.
      #expect(one.distance(to: part) <= 1e-4 * together.range)
    }
  }

  /// Parameters and multiply–adds are the sums over the layers, the same for a batch's images.
  @Test(arguments: ZooCase.all) func costsAddUp(_ test: ZooCase) throws {
    let fixture = try ZooFixture(test.name)
    let graph = try test.network.graph(size: test.size, auxiliary: true)
    let one = try GraphSummary(graph)
    let shape: Shape = [2, test.size.height, test.size.width, test.network.inputChannels]
    let two = try GraphSummary(graph, inputs: ["image": shape])
    let known = Set(graph.parameters.map(\.name))
    // What checkpoints hold besides is listed by the network's mapping, or strict loading fails above.
    #expect(
      one.parameterCount
        == fixture.parameterShapes.filter { known.contains($0.key) }.values.reduce(0) { $0 + $1.elementCount })
    #expect(one.total.macs > 0 && two.total.macs == 2 * one.total.macs)
  }
}

extension ZooCase {
  /// A size that is no multiple of anything and no square.
  var size: Extent2D { Extent2D(height: network.minimumSize.height + 5, width: network.minimumSize.width + 14) }
}

extension Tensor {
  /// The largest element less the smallest.
  var range: Float { (floats.max() ?? 0) - (floats.min() ?? 0) }

  /// The share of pixels whose largest channel is the same.
  func agreement(with other: Tensor) -> Double {
    guard shape == other.shape else { return 0 }
    let (a, b, width) = (floats, other.floats, shape.channels)
    let pixels = count / width
    func largest(_ values: [Float], _ pixel: Int) -> Int {
      (0..<width).max { values[pixel * width + $0] < values[pixel * width + $1] } ?? 0
    }
    return Double((0..<pixels).count { largest(a, $0) == largest(b, $0) }) / Double(max(1, pixels))
  }
}
