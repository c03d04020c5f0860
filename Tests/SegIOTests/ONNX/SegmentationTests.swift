import Foundation
import SegEngine
import SegModels
import TestSupport
import Testing

@testable import SegImages
@testable import SegONNX

/// Files whose outputs mean different things and lie in different orders, against labels by onnxruntime (Fixtures/segmentation/make.py).
struct SegmentationTests {
  struct Case: Decodable, CustomTestStringConvertible, Sendable {
    let name: String
    let picture: String
    /// Whether the file proves what its output is.
    let proven: Bool
    let takesIntegers: Bool
    let settings: [String: String]

    var testDescription: String { name }

    var values: PredictionSettings {
      var values = PredictionSettings()
      // Files that scale images themselves say what they take.
      if !takesIntegers, settings["mean"] == nil { (values.mean, values.deviation) = ([0], [1]) }
      values.output = settings["output"].flatMap(OutputMeaning.init)
      return values
    }
  }

  static let folder = TestSupport.Fixtures.url("segmentation").path
  static let cases: [Case] =
    (try? JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(filePath: folder + "/manifest.json")))) ?? []

  @Test func thereAreCases() { #expect(Self.cases.count > 70) }

  static func segmentation(_ test: Case) throws -> ONNXSegmentation {
    try ONNXSegmentation(ONNXModel(contentsOf: "\(folder)/\(test.name).onnx"), settings: test.values)
  }

  /// Pixels whose labels differ from those that are right, of those that are not close to a decision.
  static func wrong(_ labels: LabelMap, _ test: Case) throws -> Int {
    let right = try LabelMap(contentsOf: "\(folder)/\(test.name).labels.png")
    #expect((labels.width, labels.height) == (right.width, right.height))
    return zip(labels.labels, right.labels).count { $1 != 255 && $0 != $1 }
  }

  @Test(arguments: cases) func labelsAreThoseOfTheFile(_ test: Case) throws {
    let image = try Image(contentsOf: "\(Self.folder)/\(test.picture)")
    let segmentation = try Self.segmentation(test)
    let predictor = segmentation.predictor()
    let prediction = try predictor(image)
    #expect(try Self.wrong(prediction.labels, test) == 0, "\(segmentation.assumptions)")
    #expect(prediction.labels.labels.allSatisfy { $0 < segmentation.classes })
    // Views and tiles read the output as the image alone does.
    if segmentation.outputMeaning != .labels {
      #expect(try Self.wrong(predictor.refined(image).labels, test) == 0)
    }
    let tiling = Tiling(size: Extent2D(height: 24, width: 32), overlap: 16, blending: .center, alignment: 2)
    if segmentation.settings.size == nil, !test.name.hasPrefix("stretched"), test.name != "divided-by-largest" {
      #expect(try Self.wrong(predictor.labels(for: image, in: tiling), test) == 0)
    }
  }

  @Test(arguments: cases) func whatIsNotProvenIsSaid(_ test: Case) throws {
    let segmentation = try Self.segmentation(test)
    let said = segmentation.assumptions.filter { $0.hasPrefix("output") }
    #expect(said.isEmpty == test.proven, "\(said)")
    for line in segmentation.assumptions { #expect(!line.contains("\n")) }
  }

  @Test func outputsAreChosenByName() throws {
    let path = Self.folder + "/scores-first.onnx"
    let file = try ONNXModel(contentsOf: path)
    var settings = PredictionSettings()
    settings.outputName = file.outputs[1]
    #expect(try ONNXSegmentation(file, settings: settings).outputName == file.outputs[1])
    for (name, words) in [("nothing", "there is no output nothing"), (file.outputs[0], "is no map of the image")] {
      settings.outputName = name
      #expect { try ONNXSegmentation(file, settings: settings) } throws: { "\($0)".contains(words) }
    }
  }

  @Test func whatIsSaidOfTheOutputCounts() throws {
    let file = try ONNXModel(contentsOf: Self.folder + "/sigmoid.onnx")
    let image = try Image(contentsOf: Self.folder + "/picture.png")
    func labels(_ output: OutputMeaning?) throws -> Set<UInt16> {
      var settings = PredictionSettings()
      (settings.mean, settings.deviation, settings.output) = ([0], [1], output)
      return Set(try ONNXSegmentation(file, settings: settings).predictor()(image).labels.labels)
    }
    #expect(try labels(nil) == [0, 1] && labels(.probabilities) == [0, 1])
    // A sigmoid of what is positive is above one half everywhere.
    #expect(try labels(.logits) == [1])
  }

  @Test func layoutsThatDoNotFitAreRefused() throws {
    let file = try ONNXModel(contentsOf: Self.folder + "/sigmoid.onnx")
    var settings = PredictionSettings()
    settings.layout = "chw"
    #expect { try ONNXSegmentation(file, settings: settings) } throws: { "\($0)".contains("not chw") }
  }

  @Test func predictorsReadTheSettingsBesideTheFile() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "net.onnx").path
    try FileManager.default.copyItem(atPath: Self.folder + "/classes.onnx", toPath: path)
    let settings = folder.appending(path: "net.json")
    try Data(#"{"mean": [0], "deviation": [1], "size": [24, 40]}"#.utf8).write(to: settings)
    let test = try #require(Self.cases.first { $0.name == "classes" })
    let image = try Image(contentsOf: Self.folder + "/picture.png")
    #expect(try Self.wrong(Predictor(contentsOf: path)(image).labels, test) == 0)
    let segmentation = try ONNXSegmentation(ONNXModel(contentsOf: path), settings: .beside(path))
    #expect(segmentation.classList == nil)
    let names = (0..<segmentation.classes).map { "class of number \($0)" }
    try Data(#"{"mean": [0], "deviation": [1], "classNames": \#(names)}"#.utf8).write(to: settings)
    #expect(try Predictor(contentsOf: path).classList == ClassList(names: names))
    try Data(#"{"mean": [0], "deviation": [1], "classNames": ["one"]}"#.utf8).write(to: settings)
    #expect(throws: SettingsError.self) { try Predictor(contentsOf: path) }
    try Data(#"{"outptu": "logits"}"#.utf8).write(to: settings)
    #expect { try Predictor(contentsOf: path) } throws: { error in
      let text = "\(error)"
      return error is SettingsError && text.contains("outptu") && text.contains("net.json")
        && text.contains("deviation")
    }
  }
}
