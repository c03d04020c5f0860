import Foundation
import SegEngine
import SegIO
import Testing

@testable import SegTraining

/// `seg init`: configurations from a data set and a budget.
@Suite struct TrainingDesignTests {
  @Test func aDesignFitsItsBudgetAndTrains() throws {
    let set = try TemporarySet(8, size: Extent2D(height: 70, width: 90))
    var configuration = TrainingConfiguration(data: set.path)
    (configuration.seed, configuration.threads) = (5, 1)
    let trainer = try Trainer(configuration)
    let design = try TrainingDesign(trainer, seconds: 4, memory: 1 << 30)
    var chosen = design.configuration
    try chosen.validate()
    // Images of 70×90 have crops of 64² and four levels; the choices that are the caller's are kept.
    #expect(chosen.crops.size == 64 && chosen.widths?.count == 4 && chosen.seed == 5 && chosen.threads == 1)
    #expect(Double(chosen.steps) * design.secondsPerStep < 4.1)
    #expect(chosen.steps >= 6 && design.reasons.count >= 5)
    // It can be written and read, and trained.
    let path = FileManager.default.temporaryDirectory.appending(path: "seg-design-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try chosen.write(to: path + ".json")
    defer { try? FileManager.default.removeItem(atPath: path + ".json") }
    #expect(try TrainingConfiguration(contentsOf: path + ".json") == chosen)
    (chosen.steps, chosen.interval, chosen.schedule.warmup) = (2, 2, 0)
    let outcome = try trainer.with(chosen).train(in: TrainingFolder(path))
    #expect(outcome.steps == 2)
  }

  @Test func lessMemoryGivesASmallerNetwork() throws {
    let set = try TemporarySet(4, size: Extent2D(height: 40, width: 40))
    let trainer = try Trainer(TrainingConfiguration(data: set.path))
    let rich = try TrainingDesign(trainer, seconds: 1e6, memory: 4 << 30)
    #expect(rich.configuration.widths?.first == 64 && rich.configuration.steps == TrainingDesign.mostSteps)
    let poor = try TrainingDesign(trainer, seconds: 1e6, memory: 60 << 20)
    #expect((poor.configuration.widths?.first ?? 64) < 64)
    #expect(try trainer.with(poor.configuration).plan().residentByteCount <= 60 << 20)
    #expect(throws: TrainingConfigurationError.self) { try TrainingDesign(trainer, seconds: 1e6, memory: 1 << 16) }
  }

  @Test func aConfigurationThatLacksAValueIsNamed() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "seg-\(UUID().uuidString).json").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try TrainingConfiguration(data: "x").write(to: path)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for (wrong, complaint) in [
      (text.replacingOccurrences(of: "\"steps\"", with: "\"stepz\""), "steps is missing"),
      (text.replacingOccurrences(of: "\"batch\" : 8", with: "\"batch\" : \"eight\""), "batch: "),
      ("not JSON", "is no configuration"),
      (text.replacingOccurrences(of: "{\n  \"aug", with: "{\n  \"stepz\" : 3,\n  \"aug"), "there is no choice stepz"),
    ] {
      try wrong.write(toFile: path, atomically: true, encoding: .utf8)
      #expect {
        try TrainingConfiguration(contentsOf: path)
      } throws: { error in "\(error)".contains(complaint) && "\(error)".hasPrefix(path) }
    }
  }
}
