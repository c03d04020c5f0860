import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// U-Nets in all their forms against plain PyTorch modules with the same keys, and against published figures.
@Suite struct UNetTests {
  /// One entry of `unets.json`.
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let inputChannels, classes: Int
    let widths: [Int]
    let normalization: String
    let convolutionBias: Bool
    let upsampling, skip: String
    let attendsBottleneck: Bool
    let keys: String
    let narrowsDecoder: Bool
    let sizes: [[Int]]

    var testDescription: String { "\(name) \(upsampling) \(skip) \(keys) \(widths)" }

    var network: UNet {
      var network = UNet()
      network.inputChannels = inputChannels
      network.classes = classes
      network.widths = widths
      network.normalization = normalization == "batch" ? .batch : .none
      network.convolutionBias = convolutionBias
      network.upsampling =
        upsampling == "transposed"
        ? .transposedConvolution : .bilinear(aligningCorners: upsampling == "bilinearAligned")
      network.skip = skip == "addition" ? .addition : skip == "attention" ? .attentionGate : .concatenation
      network.attendsBottleneck = attendsBottleneck
      network.keys = keys == "common" ? .common : .plain
      network.narrowsDecoder = narrowsDecoder
      return network
    }
  }

  static let cases: [Case] = (try? Fixtures.description("unets")) ?? []
  private static let tensors = (try? Fixtures.tensors("unets")) ?? [:]

  private func parameters(_ test: Case) -> Parameters {
    Parameters(Fixtures.tensors(Self.tensors, below: "\(test.name)/parameter/"))
  }

  @Test func theFixtureHasEveryForm() {
    for upsampling in ["transposed", "bilinear", "bilinearAligned"] {
      for skip in ["concatenation", "addition", "attention"] {
        for keys in ["common", "plain"] {
          #expect(Self.cases.contains { $0.upsampling == upsampling && $0.skip == skip && $0.keys == keys })
        }
      }
    }
  }

  /// Float32 sums of at most 90 products through at most 30 layers in another order than PyTorch's; 2e-5 of the largest output
  /// leaves room for the attention gates, whose sigmoid may amplify.
  @Test(arguments: cases) func outputsAreThoseOfPyTorch(_ test: Case) throws {
    let parameters = parameters(test)
    for optimizes in [true, false] {
      let model = try Model(
        test.network.graph(size: Extent2D(height: test.sizes[0][0], width: test.sizes[0][1])), parameters: parameters,
        options: CompileOptions(optimizes: optimizes))
      for index in test.sizes.indices {
        let input = try Self.tensors.named("\(test.name)/input/\(index)").channelsLast
        let wanted = try Self.tensors.named("\(test.name)/output/\(index)").channelsLast
        let output = try model(input)
        #expect(
          output.distance(to: wanted) <= 2e-5 * wanted.largest,
          "\(test.sizes[index]), optimised: \(optimizes): \(output.shape) \(output.distance(to: wanted)) of \(wanted.largest)"
        )
      }
    }
  }

  @Test(arguments: cases) func outputsOnTheReferenceBackendAreThoseOfPyTorch(_ test: Case) throws {
    let model = try Model(
      test.network.graph(size: Extent2D(height: test.sizes[0][0], width: test.sizes[0][1])),
      parameters: parameters(test),
      on: ReferenceBackend())
    // The odd size, which pads.
    let wanted = try Self.tensors.named("\(test.name)/output/1").channelsLast
    let output = try model(try Self.tensors.named("\(test.name)/input/1").channelsLast)
    #expect(output.distance(to: wanted) <= 2e-5 * wanted.largest)
  }

  @Test(arguments: cases) func weightsSurviveAFile(_ test: Case) throws {
    let parameters = parameters(test)
    let graph = try test.network.graph(size: Extent2D(test.network.outputStride))
    let file = FileManager.default.temporaryDirectory.appending(path: "unet-\(UUID().uuidString).safetensors")
      .path(percentEncoded: false)
    defer { try? FileManager.default.removeItem(atPath: file) }
    try parameters.write(to: file)
    let read = try Parameters(contentsOf: file)
    #expect(read.tensors == parameters.tensors)
    try read.validate(for: graph)
    // The graph's names are the module's, but for the counters that inference does not need.
    #expect(Set(graph.parameters.map(\.name)).union(graph.ignoredCheckpointKeys) == Set(parameters.names))
  }

  @Test(arguments: cases) func theSameBitsEachTimeAndForEachImageOfABatch(_ test: Case) throws {
    let model = try Model(test.network.graph(size: Extent2D(test.network.outputStride)), parameters: parameters(test))
    let shape: Shape = [3, 17, 14, test.inputChannels]
    let batch = noise(shape, seed: 3)
    let together = try model(batch)
    #expect(together.shape == [3, 17, 14, test.classes])
    #expect(try model(batch) == together)
    let (each, result) = (batch.count / 3, together.count / 3)
    for index in 0..<3 {
      let one = try model(
        Tensor([1, 17, 14, test.inputChannels], batch.floats[index * each..<(index + 1) * each]))
      let part = Tensor(one.shape, together.floats[index * result..<(index + 1) * result])
      // Another number of rows may be cut into other tiles, whose sums the processor forms in another order.
      #expect(one.distance(to: part) <= 1e-6 * max(1, together.largest))
    }
  }

  /// The figures of the common PyTorch U-Net, of the U-Net of the nested-unet repository, and of the pupil network's checkpoint.
  @Test func parameterCountsAreThePublishedOnes() throws {
    func count(_ configure: (inout UNet) -> Void) throws -> Int {
      var network = UNet()
      configure(&network)
      return try GraphSummary(network.graph(size: 64)).trainableParameterCount
    }
    #expect(try count { _ in } == 31_037_633)
    // Its convolutions have a bias, and its decoder's maps the encoder's widths.
    #expect(
      try count {
        $0.widths = [32, 64, 128, 256, 512]
        $0.upsampling = .bilinear(aligningCorners: true)
        $0.convolutionBias = true
      } == 7_852_545)
    // The common U-Net in its bilinear form: 3×3 convolutions 3-64-64, 64-128-128, 128-256-256, 256-512-512, 512-512-512 and
    // 1024-512-256, 512-256-128, 256-128-64, 128-64-64, twice its width for each normalisation, and 65 at the end.
    let convolutions = [
      (3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512), (512, 512), (512, 512),
      (1024, 512), (512, 256), (512, 256), (256, 128), (256, 128), (128, 64), (128, 64), (64, 64),
    ]
    #expect(
      try count {
        $0.widths = [64, 128, 256, 512, 512]
        $0.upsampling = .bilinear(aligningCorners: true)
        $0.narrowsDecoder = true
      } == convolutions.reduce(65) { $0 + 9 * $1.0 * $1.1 + 2 * $1.1 })
    #expect(try GraphSummary(UNet.pupil.graph(size: 148)).parameterCount == 468_621 - 10)
  }

  @Test(arguments: [(32, 32, 1, 3), (37, 53, 2, 1), (16, 100, 3, 21), (97, 16, 1, 2)])
  func theOutputHasTheInputsSize(_ height: Int, _ width: Int, _ batch: Int, _ classes: Int) throws {
    for upsampling in Upsampling.all {
      var network = UNet()
      network.widths = [2, 3, 4, 5, 6]
      network.classes = classes
      network.upsampling = upsampling
      let graph = try network.graph(size: 64)
      let model = try Model(graph, parameters: Parameters(initializing: graph, seed: 1))
      #expect(try model(noise([batch, height, width, 3], seed: 5)).shape == [batch, height, width, classes])
    }
  }

  @Test func anImageThatCannotBeHalvedOftenEnoughIsRefused() throws {
    let network = UNet()
    #expect(network.outputStride == 16)
    #expect(throws: GraphError.self) { try network.graph(size: Extent2D(height: 15, width: 64)) }
    #expect(throws: GraphError.self) { try network.graph(size: Extent2D(height: 64, width: 1)) }
    _ = try network.graph(size: 16)
    let graph = try UNet.pupil.graph(size: 148)
    let model = try Model(graph, parameters: Parameters(initializing: graph, seed: 1))
    #expect(throws: GraphError.self) { try model(noise([1, 3, 64, 1], seed: 1)) }
    #expect(throws: GraphError.self) { try model(noise([1, 64, 64, 3], seed: 1)) }
    #expect(throws: GraphError.self) { try model(Tensor(zeros: [1, 0, 64, 1])) }
  }

  @Test func widthsThatCannotBeAddedAreRefused() throws {
    var network = UNet()
    network.skip = .addition
    network.upsampling = .bilinear(aligningCorners: true)
    #expect(throws: GraphError.self) { try network.graph() }
  }

  @Test func oneModelTakesManySizes() throws {
    var network = UNet.pupil
    network.widths = [4, 6, 8]
    let graph = try network.graph(size: 32)
    let parameters = Parameters(initializing: graph, seed: 4)
    let keepsTwo = try Model(graph, parameters: parameters, keeping: 2)
    let sizes = [(8, 8), (9, 31), (32, 32), (5, 4), (17, 64)]
    let inputs = sizes.enumerated().map { noise([1, $1.0, $1.1, 1], seed: UInt64($0)) }
    let alone = try inputs.map {
      try graph.compiled(for: ["image": $0.shape], parameters: parameters).run(["image": $0])["logits"]
    }
    // Three rounds: each size is evicted and compiled again.
    for _ in 0..<3 {
      for (input, wanted) in zip(inputs, alone) { #expect(try keepsTwo(input) == wanted) }
    }
    let first = try keepsTwo.compiled(for: ["image": [1, 8, 8, 1]])
    #expect(try keepsTwo.compiled(for: ["image": [1, 8, 8, 1]]) === first)
    _ = try keepsTwo.compiled(for: ["image": [1, 12, 8, 1]])
    #expect(try keepsTwo.compiled(for: ["image": [1, 8, 8, 1]]) === first)
    _ = try keepsTwo.compiled(for: ["image": [1, 16, 8, 1]])
    _ = try keepsTwo.compiled(for: ["image": [1, 20, 8, 1]])
    #expect(try keepsTwo.compiled(for: ["image": [1, 8, 8, 1]]) !== first)
  }

  @Test func severalThreadsShareOneModel() async throws {
    let test = try #require(Self.cases.first { $0.skip == "attention" })
    let model = try Model(test.network.graph(size: 32), parameters: parameters(test), keeping: 2)
    let inputs = (0..<4).map { noise([1, 16 + $0, 24, test.inputChannels], seed: UInt64($0)) }
    let wanted = try inputs.map { try model($0) }
    let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<8 {
        group.addTask {
          try (0..<20).reduce(0) { count, turn in
            let index = (task + turn) % 4
            return count + (try model(inputs[index]) == wanted[index] ? 0 : 1)
          }
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }

  /// A registry entry whose weights are drawn at random runs, and gives what its description promises.
  @Test(arguments: ModelRegistry.all.map(\.name)) func everyNameMakesANetwork(_ name: String) throws {
    let description = try #require(ModelRegistry.find(name))
    let graph = try description.makeGraph(Extent2D(height: 32, width: 48))
    #expect(graph.inputs.count == 1 && graph.inputs[0].name == "image")
    let logits = graph[graph.outputs[0].value].spec.shape
    #expect(logits == [1, 32, 48, description.postprocessing == .argmax ? description.classes : 1])
    #expect(graph[graph.inputs[0].value].spec.shape.channels == description.preprocessing.channels.count)
  }
}
