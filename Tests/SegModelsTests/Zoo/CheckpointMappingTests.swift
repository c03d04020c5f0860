import SegEngine
import SegModels
import Testing

/// What a mapping does, and what it leaves to strict loading.
@Suite struct CheckpointMappingTests {
  private let network = FCN(ResNet(.basic, blocks: [1, 1, 1, 1]), classes: 3, auxiliaryFeature: "layer3")

  private func checkpoint(auxiliary: Bool = true) throws -> Parameters {
    Parameters(initializing: try network.graph(size: 64, auxiliary: auxiliary), seed: 1)
  }

  private func prefixed(_ parameters: Parameters, _ prefix: String) -> Parameters {
    Parameters(Dictionary(uniqueKeysWithValues: parameters.tensors.map { (prefix + $0, $1) }))
  }

  @Test(arguments: ["", "module.", "model.", "module.model.", "_orig_mod.module.net.network.", "any.thing."])
  func wrappersAreTakenAway(_ wrapper: String) throws {
    let graph = try network.graph(size: 64, auxiliary: true)
    let checkpoint = try checkpoint()
    let loaded = try network.parameters(from: prefixed(checkpoint, wrapper), for: graph)
    #expect(loaded.tensors == checkpoint.tensors)
  }

  @Test func aWrapperOfSomeNamesIsAnError() throws {
    let graph = try network.graph(size: 64)
    var checkpoint = prefixed(try checkpoint(auxiliary: false), "model.")
    let name = "model.classifier.4.bias"
    checkpoint["classifier.4.bias"] = checkpoint[name]
    checkpoint[name] = nil
    let error = #expect(throws: ParameterError.self) { try network.parameters(from: checkpoint, for: graph) }
    #expect(error?.missing.isEmpty == false && error?.unused.isEmpty == false)
  }

  @Test func auxiliaryHeadsAreLeftOutWhereTheyAreNotWantedAndNeededWhereTheyAre() throws {
    let plain = try network.graph(size: 64)
    let loaded = try network.parameters(from: try checkpoint(), for: plain)
    #expect(!loaded.names.contains { $0.hasPrefix("aux_classifier") })
    let whole = try network.graph(size: 64, auxiliary: true)
    let error = #expect(throws: ParameterError.self) {
      try network.parameters(from: try checkpoint(auxiliary: false), for: whole)
    }
    #expect(error?.missing.allSatisfy { $0.hasPrefix("aux_classifier.") } == true)
  }

  @Test func aNameThatNoRuleCoversIsAnError() throws {
    let graph = try network.graph(size: 64)
    var checkpoint = try checkpoint()
    checkpoint["classifier.5.weight"] = Tensor(zeros: [3])
    let error = #expect(throws: ParameterError.self) { try network.parameters(from: checkpoint, for: graph) }
    #expect(error?.unused == ["classifier.5.weight"])
    // The classifier of the backbone is one that a rule covers.
    checkpoint["classifier.5.weight"] = nil
    checkpoint["backbone.fc.weight"] = Tensor(zeros: [3])
    _ = try network.parameters(from: checkpoint, for: graph)
  }

  /// A deeper encoder's checkpoint does not pass for a shallower one's, whose names are all among its own.
  @Test func moreBlocksAreAnError() throws {
    var deep = PSPNet(PSPNet.shallow(ResNet(.basic, blocks: [1, 2, 1, 1])), classes: 3)
    deep.width = 8
    var shallow = PSPNet(PSPNet.shallow(ResNet(.basic, blocks: [1, 1, 1, 1])), classes: 3)
    shallow.width = 8
    let checkpoint = Parameters(initializing: try deep.graph(size: 64), seed: 1)
    let error = #expect(throws: ParameterError.self) {
      try shallow.parameters(from: checkpoint, for: try shallow.graph(size: 64))
    }
    #expect(error?.missing == [] && error?.unused.allSatisfy { $0.hasPrefix("encoder.layer2.1.") } == true)
    // The stages that PSPNet does not run may be there.
    var more = checkpoint
    more["encoder.layer4.0.conv1.weight"] = Tensor(zeros: [1])
    _ = try deep.parameters(from: more, for: try deep.graph(size: 64))
  }

  /// DeepLab v2 without several scales is saved without the wrapper of the scales.
  @Test func renamesApply() throws {
    let network = DeepLabV2(ResNet(.bottleneck, blocks: [1, 1, 1, 1]), classes: 3)
    let graph = try network.graph(size: 64)
    let checkpoint = Parameters(initializing: graph, seed: 1)
    let bare = Parameters(
      Dictionary(uniqueKeysWithValues: checkpoint.tensors.map { (String($0.dropFirst("base.".count)), $1) }))
    #expect(try network.parameters(from: bare, for: graph).tensors == checkpoint.tensors)
  }

  @Test func aDrawnHeadIsTheSameForTheSameSeed() throws {
    let graph = try network.graph(size: 64)
    let checkpoint = try checkpoint()
    func head(_ seed: UInt64) throws -> Tensor? {
      try network.parameters(from: checkpoint, for: graph, head: .drawn(seed: seed))["classifier.4.weight"]
    }
    #expect(try head(1) == head(1))
    #expect(try head(1) != head(2))
    #expect(try head(3) != checkpoint["classifier.4.weight"])
  }
}
