import SegEngine
import SegIO
import SegModels
import Testing

/// A small U-Net out of files as training programs save them (Tests/Fixtures/checkpoints, with the script that made them).
@Suite("A network finds its weights in a checkpoint")
struct CheckpointFilesTests {
  private let network: UNet = {
    var network = UNet()
    network.widths = [2, 3]
    network.classes = 2
    return network
  }()

  private func path(_ name: String) -> String { Fixtures.path("Tests/Fixtures/checkpoints/\(name)") }

  private func loaded(_ name: String, key: String? = nil) throws -> LoadedParameters {
    try network.parameters(
      from: Checkpoint(contentsOf: path(name)), for: try network.graph(size: 16), key: key)
  }

  private func expectLoads(
    _ name: String, key: String? = nil, another: Bool = false, leavingOut leftOut: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let graph = try network.graph(size: 16)
    let loaded = try loaded(name, key: key)
    let wanted = SeededNumbers.parameters(of: graph, drawnAs: { another ? $0 + " of another" : $0 })
    #expect(loaded.parameters.names == wanted.names, sourceLocation: sourceLocation)
    for name in wanted.names {
      #expect(loaded.parameters[name] == wanted[name], "\(name)", sourceLocation: sourceLocation)
    }
    #expect(loaded.leftOut == leftOut, sourceLocation: sourceLocation)
  }

  private func expectFailure(
    _ name: String, key: String? = nil, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation) { try loaded(name, key: key) }
    let text = error.map { "\($0)" } ?? ""
    for part in parts { #expect(text.contains(part), "\(text)", sourceLocation: sourceLocation) }
    #expect(!text.contains("\n"), sourceLocation: sourceLocation)
  }

  @Test(
    "wherever they lie and whatever stands before their names",
    arguments: [
      "plain.pth", "legacy.pth", "legacy-protocol4.pth", "list.pth", "deep.pth", "parts.pth", "nnunet.pth",
      "generator.pth",
      "deepspeed.pt", "part-prefix.pth", "inner-wrappers.pth", "kinds.pth", "prefixed.npz",
    ])
  func places(_ name: String) throws { try expectLoads(name) }

  @Test("what lies among them and makes no difference is listed")
  func leftOut() throws {
    try expectLoads("lightning.ckpt", leavingOut: ["criterion.weight", "mean", "val_iou.confmat"])
    try expectLoads("averaged.pth", leavingOut: ["n_averaged"])
    try expectLoads(
      "counters.pth",
      leavingOut: ["aux_head.0.weight", "down9.1.num_batches_tracked", "loss_fn.pos_weight", "step"])
    try expectLoads("prefixed.safetensors", leavingOut: ["criterion.weight", "scales"])
    try expectFailure("unknown.pth", "unused head2.weight")
  }

  @Test("what stands before the names is said")
  func prefixes() throws {
    #expect(try loaded("plain.pth").prefix == "")
    #expect(try loaded("lightning.ckpt").prefix == "state_dict.model._orig_mod")
    #expect(try loaded("deep.pth").prefix == "checkpoint.models.0.weights")
  }

  @Test("of several that differ none is taken without a key")
  func several() throws {
    try expectFailure("two.pth", "choose one by its key: model, model_ema")
    try expectLoads("two.pth", key: "model")
    try expectLoads("two.pth", key: "model_ema", another: true, leavingOut: ["n_averaged"])
    try expectFailure("two.pth", key: "best", "there is no key best; available keys: model, model_ema")
    try expectLoads("same.pth")
    try expectFailure("wrapped-two.pth", "choose one by its key: ema_model, online_model")
    try expectLoads("wrapped-two.pth", key: "online_model")
    try expectLoads("wrapped-two.pth", key: "ema_model", another: true)
    try expectFailure("student-teacher.ckpt", "state_dict.student, state_dict.teacher")
    try expectLoads("student-teacher.ckpt", key: "student")
    try expectLoads("student-teacher.ckpt", key: "state_dict.teacher", another: true)
    for name in ["root-and-ema.pth", "root-and-flat-ema.pth"] {
      try expectFailure(name, "choose one by its key: ., ema")
      try expectLoads(name, key: "ema", another: true)
    }
    try expectLoads("root-and-ema.pth", key: ".")
    #expect(try loaded("root-and-flat-ema.pth", key: ".").leftOut.allSatisfy { $0.hasPrefix("ema.module.") })
  }

  @Test(
    "modules that were saved whole are data like a state dictionary",
    arguments: ["module.pth", "module-legacy.pth", "module-in-dictionary.pth", "module-in-object.pth"])
  func modules(_ name: String) throws { try expectLoads(name) }

  @Test(
    "objects of any class, and tensors of any kind, may lie beside them",
    arguments: ["beside.pth", "beside-protocol5.pth", "legacy-beside.pth", "rare-beside.pth", "among.pth"])
  func beside(_ name: String) throws {
    // The state of a random number generator lies among them there.
    try expectLoads(name, leavingOut: name == "among.pth" ? ["torch"] : [])
  }

  @Test(
    "a tensor of a kind that is not read is named, with the way out",
    arguments: [
      ("complex", "complex", "torch.view_as_real"), ("sparse", "sparse", "to_dense()"),
      ("rows", "sparse", "to_dense()"),
      ("quantised", "quantised", "dequantize()"), ("float8", "float8_e4m3fn", ".float()"),
      ("nested", "nested", "padded"),
      ("meta", "meta", "loaded"), ("negated", "negates", "resolve_neg()"),
    ])
  func rareKinds(_ kind: String, _ word: String, _ way: String) throws {
    try expectFailure("needed-\(kind).pth", "outc.conv.bias", word, way)
    try expectFailure("among-\(kind).pth", "extra.tensor", word, way, "or leave it out")
  }

  @Test("an array of NumPy is a fault in the place of a weight alone")
  func arrays() throws {
    try expectFailure("needed-array.pth", "outc.conv.bias", "NumPy", "torch.from_numpy")
    try expectLoads("among-array.pth")
  }

  @Test(
    "programs are not read, with the way out",
    arguments: [
      ("../weights/script.pt", "TorchScript"), ("package.pt", "torch.package"), ("exported.pt2", "exported program"),
    ])
  func programs(_ name: String, _ word: String) throws {
    try expectFailure(name, word, "torch.save(", "state_dict")
  }

  /// From version 5 on transformers has other names in memory, which torch.save stores, than in its own files.
  @Test func bothNamesOfHuggingFaceAreTheSameWeights() throws {
    var encoder = MixTransformer(widths: [2, 4, 6, 8], depths: [1, 2, 1, 1])
    encoder.heads = [1, 1, 1, 1]
    encoder.reductions = [4, 2, 2, 1]
    encoder.expansion = 2
    var network = SegFormer(encoder, keys: .huggingFace)
    network.classes = 2
    network.decoderWidth = 4
    let graph = try network.graph(size: 32)
    let (memory, file) = try (
      network.parameters(from: Checkpoint(contentsOf: path("segformer-memory.pth")), for: graph),
      network.parameters(from: Checkpoint(contentsOf: path("segformer-file.safetensors")), for: graph)
    )
    #expect(memory.leftOut.isEmpty && file.leftOut.isEmpty)
    #expect(memory.parameters.tensors == file.parameters.tensors)
  }
}
