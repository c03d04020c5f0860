import SegModels
import Testing

@testable import SegEngine

/// The dropouts of networks are those of their references.
@Suite struct NetworkDropoutTests {
  private struct Found: Equatable {
    let name: String
    let rate: Double
    let unit: Dropout.Unit
  }

  private func dropouts(_ network: some SegmentationNetwork, auxiliary: Bool = true) throws -> [Found] {
    try network.graph(size: 64, auxiliary: auxiliary).nodes.compactMap { node in
      (node.operator as? Dropout).map { Found(name: node.name, rate: $0.rate, unit: $0.unit) }
    }
  }

  /// torchvision: `nn.Dropout(0.1)` in FCN's heads, `nn.Dropout(0.5)` after the atrous pyramid.
  @Test func torchvision() throws {
    let head = Found(name: "classifier.3", rate: 0.1, unit: .element)
    let auxiliary = Found(name: "aux_classifier.3", rate: 0.1, unit: .element)
    #expect(try dropouts(FCN()) == [head, auxiliary])
    #expect(try dropouts(FCN(), auxiliary: false) == [head])
    #expect(
      try dropouts(DeepLabV3()) == [Found(name: "classifier.0.project.3", rate: 0.5, unit: .element), auxiliary])
  }

  /// Stochastic depth to 0.1 over the blocks, and a tenth before the classifier.
  @Test func segFormer() throws {
    for keys: SegFormer.Keys in [.huggingFace, .original, .segmentationModels] {
      let found = try dropouts(SegFormer.published(0, keys: keys))
      let paths = found.filter { $0.unit == .image }
      // Two branches of each of eight blocks; the first block's are always kept.
      #expect(paths.count == 14)
      for (index, path) in paths.enumerated() {
        #expect(abs(path.rate - 0.1 * Double(index / 2 + 1) / 7) < 1e-12, "\(path.name)")
      }
      let head = found.filter { $0.unit != .image }
      let unit: Dropout.Unit = keys == .original ? .channel : .element
      #expect(head == (keys == .segmentationModels ? [] : [Found(name: "decode_head.dropout", rate: 0.1, unit: unit)]))
    }
  }

  /// `nn.Dropout2d` after each bottleneck's branch: 0.01 in the first stage, 0.1 in the others.
  @Test func eNet() throws {
    let found = try dropouts(ENet())
    #expect(found.allSatisfy { $0.unit == .channel && $0.name.hasSuffix(".ext_regul") })
    #expect(found.map(\.rate) == Array(repeating: 0.01, count: 5) + Array(repeating: 0.1, count: 22))
  }

  @Test func biSeNetV2() throws {
    let found = try dropouts(BiSeNetV2())
    #expect(found.map(\.name) == ["head.drop", "aux2.drop", "aux3.drop", "aux4.drop", "aux5_4.drop"])
    #expect(found.allSatisfy { $0.rate == 0.1 && $0.unit == .element })
  }
}
