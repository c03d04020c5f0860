import SegModels
import Testing

@testable import SegEngine

@Suite struct MemoryTests {
  /// The plan of a U-Net's maps has no holes: it is as small as the most that its steps use at once. Skip connections are not copied.
  @Test(arguments: [256, 500])
  func aUNetsArenaHasNoHoles(size: Int) throws {
    var network = UNet()
    network.widths = [8, 16, 32, 64, 128]
    let graph = try network.graph(size: 256)
    let parameters = Parameters(initializing: graph, seed: 1)
    let shapes = ["image": [1, size, size, 3] as Shape]
    let model = try graph.compiled(for: shapes, parameters: parameters)
    let plain = try graph.compiled(for: shapes, parameters: parameters, options: .init(optimizes: false))
    #expect(!model.stepInfos.contains { $0.operation.hasPrefix("Concat") })
    #expect(plain.stepInfos.filter { $0.operation.hasPrefix("Concat") }.count == 4)
    #expect(model.arenaByteCount == model.leastArenaByteCount)
  }
}
