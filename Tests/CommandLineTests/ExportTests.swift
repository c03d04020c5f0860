import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// `seg export`: a file that other programs run, and that comes back with its preprocessing and postprocessing.
@Suite struct ExportCommandTests {
  /// The labels of an image by a network.
  private func labels(_ folder: Folder, _ name: String, _ options: String...) throws -> LabelMap {
    let mask = folder.path(name + ".png")
    expectSuccess(try seg(["segment", Repository.image(0), "--output-format", "labels", "-o", mask] + options))
    return try LabelMap(contentsOf: mask)
  }

  @Test func anExportedNetworkSegmentsAsTheNetwork() throws {
    let folder = try Folder()
    let file = folder.path("pupil.onnx")
    expectSuccess(try seg("export", "pupil-unet", "--weights", Repository.weights, "-o", file))
    #expect(try folder.contents().keys.sorted() == ["pupil.json", "pupil.onnx"])
    let expected = try labels(folder, "named", "--model", "pupil-unet", "--weights", Repository.weights)
    #expect(try labels(folder, "file", "--model", file) == expected)
    #expect(Set(expected.labels).count == 2)
    let settings = try PredictionSettings.beside(file)
    #expect(settings.fit == "letterbox" && settings.size == [148, 148] && settings.channels == "grey")
    #expect(settings.threshold == 0.7 && settings.output == .logits)
  }

  /// Saliency is scaled after the sigmoid, which the file has.
  @Test func saliencyComesBackAsSaliency() throws {
    let folder = try Folder()
    let file = folder.path("salient.onnx")
    expectSuccess(try seg("export", "u2netp", "--output", file))
    let model = try ONNXModel(contentsOf: file)
    #expect(model.outputs == ["saliency"])
    #expect(model.producer == "swift-segmentation 0.1.0")
    let expected = try labels(folder, "named", "--model", "u2netp")
    let actual = try labels(folder, "file", "--model", file)
    // Sums are formed in another order, so that a pixel at the threshold may fall to the other side.
    let different = zip(actual.labels, expected.labels).count { $0 != $1 }
    #expect(different * 1000 <= expected.labels.count)
    #expect(try PredictionSettings.beside(file).classNames == ["background", "object"])
  }

  @Test func sizeClassesAndBatchAreThoseThatAreAskedFor() throws {
    let folder = try Folder()
    let file = folder.path("net.onnx")
    expectSuccess(
      try seg("export", "enet", "--seed", "1", "--classes", "3", "--size", "64x96", "--fixed-batch", "-o", file))
    #expect(try ONNXModel(contentsOf: file).inputs[0].shape == [1, 3, 64, 96])
    let outputs = try Model(ONNXModel(contentsOf: file)).run(["image": Tensor(zeros: [1, 3, 64, 96])])
    #expect(outputs["logits"]?.shape == [1, 3, 64, 96])
    // A file is exported as the network from an image to its segmentation.
    let again = folder.path("again.onnx")
    expectSuccess(try seg("export", file, "--external-data", "-o", again))
    #expect(try folder.contents().keys.contains("again.onnx.data"))
    let copies = try Model(ONNXModel(contentsOf: again)).run(["image": Tensor(zeros: [1, 3, 64, 96])])
    #expect(copies.values.first?.shape == [1, 3, 64, 96])
  }

  @Test func mistakesAreNamed() throws {
    let folder = try Folder()
    expectFailure(try seg("export", "unet", "-o", folder.path("net.onnx")), 64, ["--weights", "unet"])
    expectFailure(try seg("export", "u2netp", "-o", folder.path("net.pb")), 64, [".onnx", "net.pb"])
    expectFailure(try seg("export", "u2netp", "-o", folder.path("none/net.onnx")), 73, ["none"])
    expectFailure(try seg("export", "unett", "-o", folder.path("net.onnx")), 64, ["unett", "unet"])
    #expect(try folder.contents().isEmpty)
  }
}
