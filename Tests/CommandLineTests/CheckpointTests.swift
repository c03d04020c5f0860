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
}
