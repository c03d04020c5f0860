import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// Checkpoints of named networks on the command line: wrappers, auxiliary heads, other numbers of classes.
@Suite struct CheckpointTests {
  private let name = "deeplabv3-mobilenet-v3-large"

  /// A folder with an image's array and a checkpoint of four classes, its auxiliary head included, as a wrapped module is saved.
  private func prepared() throws -> (folder: Folder, network: any SegmentationNetwork, parameters: Parameters) {
    let folder = try Folder()
    let network = try #require(ModelRegistry.find(name)).with(classes: 4).network
    let parameters = Parameters(initializing: try network.graph(size: 64, auxiliary: true), seed: 5)
    let wrapped = Parameters(
      Dictionary(uniqueKeysWithValues: parameters.tensors.map { ("module.\($0)", $1) }))
    try wrapped.write(to: folder.path("four.safetensors"))
    var generator = SeededGenerator(seed: 8)
    let image = Tensor([1, 40, 56, 3], (0..<40 * 56 * 3).map { _ in Float.random(in: -1..<1, using: &generator) })
    try NPZ(["image": image]).write(to: folder.path("in.npz"))
    return (folder, network, parameters)
  }

  @Test func auxiliaryOutputsComeWhereTheyAreAskedFor() throws {
    let (folder, network, parameters) = try prepared()
    let common = [
      "run", name, "--classes", "4", "--weights", folder.path("four.safetensors"), "--input", folder.path("in.npz"),
      "--output", folder.path("out.npz"),
    ]
    let image = try #require(try NPZ(contentsOf: folder.path("in.npz")).arrays["image"])
    let model = try Model(network.graph(size: 64, auxiliary: true), parameters: parameters)
    let wanted = try model.run(["image": image])
    #expect(wanted.keys.sorted() == ["aux", "logits"])
    expectSuccess(try seg(common + ["--auxiliary"]))
    #expect(try NPZ(contentsOf: folder.path("out.npz")).arrays == wanted)
    expectSuccess(try seg(common))
    let plain = try NPZ(contentsOf: folder.path("out.npz")).arrays
    #expect(plain.keys.sorted() == ["logits"] && plain["logits"] == wanted["logits"])
  }

  @Test func anotherNumberOfClassesIsAnErrorThatNamesTheHead() throws {
    let (folder, _, _) = try prepared()
    let result = try seg(
      "run", name, "--weights", folder.path("four.safetensors"), "--input", folder.path("in.npz"), "--output",
      folder.path("out.npz"))
    expectFailure(result, 65, ["four.safetensors", "classifier.4.weight"])
    #expect(try folder.contents()["out.npz"] == nil)
  }

  @Test func numbersOfClassesThatMakeNoSenseAreRefused() throws {
    for classes in ["0", "-1", "5000", "many"] {
      let result = try seg("summary", "lraspp-mobilenet-v3-large", "--classes=\(classes)")
      #expect(result.exitCode == 64, "\(result.errors)")
    }
    expectFailure(try seg("summary", "none.onnx", "--classes", "3"), 64, ["--classes", "none.onnx"])
    struct Report: Decodable { let trainableParameters: Int }
    let more: Report = try seg("summary", "lraspp-mobilenet-v3-large", "--classes", "24", "--json").json()
    // Three classes more: 40 + 128 weights and two biases each.
    #expect(more.trainableParameters == 3_221_538 + 3 * 170)
  }

  /// A file of two sets of weights, and what a run with each gives.
  @Test func oneOfSeveralSetsOfWeightsIsNamed() throws {
    let folder = try Folder()
    let first = try Parameters(contentsOf: Repository.weights)
    let second = Parameters(
      first.tensors.mapValues { tensor in
        guard tensor.elementType == .float32 else { return tensor }
        return Tensor(tensor.shape, tensor.elements(of: Float.self).map { 0.9 * $0 })
      })
    var both = Parameters(["criterion.weight": Tensor([1], [Float(1)])])
    for (prefix, parameters) in [("model.", first), ("model_ema.module.", second)] {
      for (name, tensor) in parameters.tensors { both[prefix + name] = tensor }
    }
    let path = folder.path("both.safetensors")
    try both.write(to: path)
    let image = Tensor([1, 16, 24, 1], (0..<16 * 24).map { Float($0 % 7) / 7 })
    try NPZ(["image": image]).write(to: folder.path("in.npz"))
    let options = ["--input", folder.path("in.npz"), "--output", folder.path("out.npz")]

    expectFailure(
      try seg(["run", "pupil-unet", "--weights", path] + options), 65,
      [path, "model, model_ema.module", "--checkpoint-key"])
    for (key, parameters) in [("model", first), ("model_ema", second)] {
      let result = try seg(["run", "pupil-unet", "--weights", path, "--checkpoint-key", key] + options)
      expectSuccess(result)
      let model = try Model(UNet.pupil.graph(size: 148), parameters: parameters)
      #expect(try NPZ(contentsOf: folder.path("out.npz")).arrays == model.run(["image": image]))
    }
    expectFailure(
      try seg(["run", "pupil-unet", "--weights", path, "--checkpoint-key", "best"] + options), 65, [path, "best"])
    expectFailure(try seg(["run", "pupil-unet", "--checkpoint-key", "model"] + options), 64, ["--checkpoint-key"])
  }

  @Test func whatIsLeftOutIsSaid() throws {
    let folder = try Folder()
    var parameters = Parameters(["criterion.weight": Tensor([1], [Float(1)])])
    for (name, tensor) in try Parameters(contentsOf: Repository.weights).tensors {
      parameters["model.\(name)"] = tensor
    }
    let path = folder.path("w.safetensors")
    try parameters.write(to: path)
    let result = try seg(
      "segment", Repository.image(0), "--model", "pupil-unet", "--weights", path, "-o", folder.path("out"))
    #expect(result.exitCode == 0)
    #expect(result.errorLines?.count == 1)
    #expect(result.errors.contains(path) && result.errors.contains("left out criterion.weight"))
  }

  @Test func anotherNumberOfClassesIsSuggested() throws {
    let (folder, _, _) = try prepared()
    let result = try seg(
      "run", name, "--weights", folder.path("four.safetensors"), "--input", folder.path("in.npz"), "--output",
      folder.path("out.npz"))
    expectFailure(result, 65, ["--classes 4"])
  }
}
