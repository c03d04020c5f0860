import Foundation
import SegEngine
import SegIO
import Testing

@testable import SegTraining

/// Data sets: layouts, splits, figures, and what is wrong with them.
@Suite struct TrainingDataTests {
  @Test func aSplitKeepsGroupsTogetherAndFollowsTheSeed() throws {
    let set = try TemporarySet(20)
    var layout = TrainingData.Layout()
    let plain = try TrainingData(contentsOf: set.path, layout: layout)
    #expect(plain.training.count == 16 && plain.validation.count == 4 && plain.test.isEmpty)
    #expect(Set(plain.training).isDisjoint(with: plain.validation))
    #expect(try TrainingData(contentsOf: set.path, layout: layout) == plain)
    layout.seed = 1
    #expect(try TrainingData(contentsOf: set.path, layout: layout) != plain)
    // Pairs of images are one case.
    layout.groupPrefix = 5
    let grouped = try TrainingData(contentsOf: set.path, layout: layout)
    func cases(_ pairs: [LabelledImages.Pair]) -> Set<Substring> { Set(pairs.map { $0.name.prefix(5) }) }
    #expect(cases(grouped.training).isDisjoint(with: cases(grouped.validation)))
    #expect(grouped.validation.count == 4)
  }

  @Test func partsAreTakenAsTheyAre() throws {
    let (training, validation) = (try TemporarySet(3), try TemporarySet(2))
    let folder = FileManager.default.temporaryDirectory.appending(path: "seg-parts-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.copyItem(atPath: training.path, toPath: folder + "/train")
    try FileManager.default.copyItem(atPath: validation.path, toPath: folder + "/val")
    let data = try TrainingData(contentsOf: folder)
    #expect(data.training.count == 3 && data.validation.count == 2)
  }

  @Test(arguments: ["", "splits", "ImageSets/Segmentation"]) func listsSayTheParts(_ place: String) throws {
    let set = try TemporarySet(6)
    let names = try LabelledImages(images: set.path + "/images", masks: set.path + "/masks").pairs.map(\.name)
    let folder = set.path + (place.isEmpty ? "" : "/" + place)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    func write(_ list: String, _ lines: [String]) throws {
      try lines.joined(separator: "\n").write(toFile: folder + "/" + list, atomically: true, encoding: .utf8)
    }
    func complaint() -> String {
      do {
        _ = try TrainingData(contentsOf: set.path)
        return "none"
      } catch { return "\(error)" }
    }
    try write("train.txt", [names[0], "images/\(names[1]).png", "", "\(names[2]).png 1"])
    #expect(complaint().contains("no val.txt"))
    try write("val.txt", [names[3]])
    try write("test.txt", [names[4]])
    let data = try TrainingData(contentsOf: set.path)
    #expect(data.training.map(\.name) == Array(names[0...2]))
    #expect(data.validation.map(\.name) == [names[3]] && data.test.map(\.name) == [names[4]])
    try write("val.txt", [names[3], names[0]])
    #expect(complaint().contains("train.txt too"))
    try write("val.txt", [names[3], names[3]])
    #expect(complaint().contains("occurs twice"))
    try write("val.txt", ["missing"])
    #expect(complaint().contains("missing is no image"))
    try write("val.txt", [])
    #expect(complaint().contains("too few"))
  }

  @Test func theSurveyCountsAllPixels() throws {
    let set = try TemporarySet(10)
    let trainer = try Trainer(TrainingConfiguration(data: set.path))
    let survey = trainer.survey
    var (values, ones, total): ([Double], Int, Int) = ([], 0, 0)
    for pair in trainer.data.training {
      guard case .uint8(let samples) = try Image(contentsOf: pair.image).samples else { continue }
      values += samples.map { Double($0) / 255 }
      let labels = try LabelMap(contentsOf: pair.mask).labels
      ones += labels.count { $0 == 1 }
      total += labels.count
    }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(survey.classes == 2 && survey.channels == 1)
    #expect(abs(Double(survey.mean[0]) - mean) < 1e-6)
    #expect(abs(Double(survey.deviation[0]) - variance.squareRoot()) < 1e-6)
    #expect(abs(survey.shares[1] - Double(ones) / Double(total)) < 1e-12)
    #expect(survey.largest == Extent2D(height: 40, width: 48) && survey.smallest == survey.largest)
  }

  @Test func masksOfZeroAnd255AskForTheirMeaning() throws {
    let set = try TemporarySet(4, foreground: 255)
    #expect {
      try Trainer(TrainingConfiguration(data: set.path))
    } throws: { error in
      if case TrainingDataError.onlyIgnored(_, 255) = error { true } else { false }
    }
    var configuration = TrainingConfiguration(data: set.path)
    configuration.isBinary = true
    #expect(try Trainer(configuration).survey.classes == 2)
  }

  @Test func wrongSetsAreErrors() throws {
    let set = try TemporarySet(4)
    func error(_ change: (inout TrainingConfiguration) -> Void = { _ in }) -> String {
      var configuration = TrainingConfiguration(data: set.path)
      change(&configuration)
      do {
        _ = try Trainer(configuration)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(error() == "")
    #expect(error { $0.classes = 1 }.contains("label 1 is none of 1 classes"))
    #expect(error { $0.loss = "ce+dicee" }.contains("dicee"))
    #expect(error { $0.rate = -1 }.contains("learning rate"))
    #expect(error { $0.network = "unett" }.contains("unett"))
    #expect(error { $0.crops.size = 4 }.contains("crops"))
    // A mask of another size.
    let other = set.path + "/masks/case0_0.png"
    let mask = try LabelMap(contentsOf: other)
    try LabelMap(width: 8, height: 8, repeating: 1).writePNG(to: other)
    #expect(error().contains("8×8"))
    // No mask at all.
    try FileManager.default.removeItem(atPath: other)
    #expect(error().contains("no mask"))
    try mask.writePNG(to: other)
    // A single image.
    let one = try TemporarySet(1)
    #expect(throws: TrainingDataError.tooFewImages(directory: one.path, count: 1)) {
      try Trainer(TrainingConfiguration(data: one.path))
    }
    // One class alone.
    let empty = try TemporarySet(4, foreground: 0)
    #expect(throws: TrainingDataError.oneClass(directory: empty.path, label: 0)) {
      try Trainer(TrainingConfiguration(data: empty.path))
    }
  }

  @Test func schedulesFollowTheirFormulas() {
    let poly = LearningRateSchedule(.poly, warmup: 4)
    #expect((0..<4).map { poly.factor(step: $0, of: 24) } == [0.2, 0.4, 0.6, 0.8])
    #expect(poly.factor(step: 4, of: 24) == 1)
    #expect(abs(poly.factor(step: 14, of: 24) - pow(0.5, 0.9)) < 1e-12)
    #expect(abs(LearningRateSchedule(.cosine).factor(step: 25, of: 100) - (1 + cos(Double.pi / 4)) / 2) < 1e-12)
    let cycle = LearningRateSchedule(.oneCycle)
    #expect(abs(cycle.factor(step: 0, of: 100) - 0.04) < 1e-12)
    #expect(abs(cycle.factor(step: 30, of: 100) - 1) < 1e-12)
    #expect(cycle.factor(step: 99, of: 100) < 0.01)
    #expect(LearningRateSchedule(.constant).factor(step: 99, of: 100) == 1)
  }

  @Test func aSumOfLossesHasItsWeights() throws {
    var generator = SeededGenerator(seed: 1)
    let logits = Tensor([1, 4, 4, 3], (0..<48).map { _ in Float.random(in: -2...2, using: &generator) })
    let labels = LabelMap(width: 4, height: 4, labels: (0..<16).map { $0 == 5 ? LabelMap.unlabelled : UInt16($0 % 3) })
    func value(_ text: String) throws -> Double {
      try LossChoice(text, classWeights: nil).loss.evaluate(logits, [labels], gradient: false, on: .shared).value
    }
    #expect(abs(try value("ce+0.5*dice") - (value("ce") + 0.5 * value("dice"))) < 1e-9)
    #expect(try value("ce") != value("focal"))
    for text in ["", "ce+", "2*", "x*ce", "-1*ce", "0*ce"] {
      #expect(throws: TrainingConfigurationError.self) { try LossChoice(text, classWeights: nil) }
    }
  }
}
