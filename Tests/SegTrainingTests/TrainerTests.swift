import Foundation
import SegEngine
import SegIO
import Testing

@testable import SegTraining

/// Whole trainings of a small network.
@Suite struct TrainerTests {
  private func configuration(_ set: TemporarySet, steps: Int = 40) -> TrainingConfiguration {
    var configuration = TrainingConfiguration(data: set.path)
    configuration.widths = [8, 16]
    configuration.crops = CropSampling(size: 24)
    configuration.batch = 4
    (configuration.steps, configuration.interval) = (steps, 10)
    configuration.rate = 5e-3
    return configuration
  }

  private func withFolder(_ body: (TrainingFolder) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "seg-run-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(TrainingFolder(path))
  }

  @Test func aNetworkLearnsToFindDiscs() throws {
    let set = try TemporarySet(12)
    try withFolder { folder in
      let trainer = try Trainer(configuration(set))
      var losses: [Double] = []
      let outcome = try trainer.train(in: folder) { event in
        if case .step(_, let loss, _, _) = event { losses.append(loss) }
      }
      #expect(outcome.reason == .finished && outcome.steps == 40 && losses.count == 40)
      #expect((outcome.best?.meanIoU ?? 0) > 0.9)
      let (first, last) = (losses.prefix(5).reduce(0, +), losses.suffix(5).reduce(0, +))
      #expect(last < 0.5 * first)
      // The folder is a network: its predictions have the score of the validation.
      let loaded = try NetworkSource(folder.path).segmenter(
        weights: nil, settings: PredictionSettings(), on: OpenBLASBackend(), options: .init())
      var matrix = ConfusionMatrix(classes: 2)
      for pair in trainer.data.validation {
        try matrix.add(
          prediction: loaded.predictor(Image(contentsOf: pair.image)).labels, truth: LabelMap(contentsOf: pair.mask))
      }
      #expect(matrix.meanIoU() == outcome.best?.meanIoU)
      // The log has a line a step and a line a validation.
      let lines = try String(contentsOfFile: folder.logPath, encoding: .utf8).split(separator: "\n")
      #expect(lines.count == 44)
      // A folder is not overwritten.
      #expect(throws: TrainingConfigurationError.self) { try trainer.train(in: folder) }
    }
  }

  @Test func aResumedTrainingHasTheSameBits() throws {
    let set = try TemporarySet(8)
    var configuration = configuration(set, steps: 25)
    configuration.averaging = 0.9
    let trainer = try Trainer(configuration)
    var expected: (last: [String: Tensor], best: [String: Tensor], log: Int)?
    try withFolder { folder in
      try trainer.train(in: folder)
      expected = (
        try Safetensors(contentsOf: folder.checkpointPath).tensors,
        try Safetensors(contentsOf: folder.bestPath).tensors,
        try String(contentsOfFile: folder.logPath, encoding: .utf8).split(separator: "\n").count
      )
    }
    try withFolder { folder in
      // Stopped after steps 3, 10 and 17; and continued by a trainer of the folder's own configuration.
      for stop in [3, 10, 17] {
        var steps = 0
        let outcome = try Trainer(stop == 3 ? configuration : folder.configuration()).train(
          in: folder, resuming: stop != 3,
          report: { event in if case .step(let number, _, _, _) = event { steps = number } },
          isStopped: { steps >= stop })
        #expect(outcome.reason == .interrupted && outcome.steps == stop)
      }
      // With other images the statistics differ.
      let other = try TemporarySet(10)
      var changed = configuration
      changed.data = other.path
      #expect(throws: TrainingConfigurationError.self) {
        try Trainer(changed).train(in: folder, resuming: true)
      }
      try trainer.train(in: folder, resuming: true)
      #expect(try Safetensors(contentsOf: folder.checkpointPath).tensors == expected?.last)
      #expect(try Safetensors(contentsOf: folder.bestPath).tensors == expected?.best)
      let log = try String(contentsOfFile: folder.logPath, encoding: .utf8).split(separator: "\n")
      #expect(log.count == expected?.log)
    }
  }

  @Test func frozenWeightsStay() throws {
    let set = try TemporarySet(4)
    var configuration = configuration(set, steps: 3)
    configuration.frozen = ["inc."]
    let trainer = try Trainer(configuration)
    let before = try trainer.makeState(trainer.makeStep()).state.parameters
    try withFolder { folder in
      try trainer.train(in: folder)
      let after = try Safetensors(contentsOf: folder.checkpointPath).tensors
      for (name, tensor) in before.tensors where !name.contains("running") {
        #expect((after[name] == tensor) == name.hasPrefix("inc."), "\(name)")
      }
    }
  }

  @Test func namesToFreezeMustExist() throws {
    let set = try TemporarySet(4)
    var configuration = configuration(set, steps: 1)
    configuration.frozen = ["inc.", "encoder."]
    try withFolder { folder in
      #expect {
        try Trainer(configuration).train(in: folder)
      } throws: { "\($0)".contains("encoder.") }
    }
  }

  @Test func aHeadOfOtherClassesIsDrawnAnew() throws {
    let (two, three) = (try TemporarySet(4), try TemporarySet(4, foreground: 2))
    try withFolder { folder in
      try Trainer(configuration(two, steps: 2)).train(in: folder)
      var other = configuration(three, steps: 1)
      other.weights = folder.path
      let trainer = try Trainer(other)
      let (state, drawn) = try trainer.makeState(trainer.makeStep())
      #expect(drawn.sorted() == ["outc.conv.bias", "outc.conv.weight"])
      let source = try Safetensors(contentsOf: folder.bestPath).tensors
      #expect(state.parameters["inc.double_conv.0.weight"] == source["inc.double_conv.0.weight"])
    }
  }

  @Test func patienceEndsATrainingThatGetsNoBetter() throws {
    let set = try TemporarySet(6)
    var configuration = configuration(set, steps: 200)
    // A rate so small that nothing changes.
    (configuration.rate, configuration.interval, configuration.patience) = (1e-12, 2, 2)
    configuration.averaging = 0
    try withFolder { folder in
      let outcome = try Trainer(configuration).train(in: folder)
      #expect(outcome.reason == .stoppedEarly && outcome.steps < 60)
    }
  }

  @Test func numbersThatAreNotFiniteStopATraining() throws {
    let set = try TemporarySet(4)
    var configuration = configuration(set)
    (configuration.rate, configuration.clipping, configuration.optimizer) = (1e30, nil, .sgd)
    try withFolder { folder in
      #expect {
        try Trainer(configuration).train(in: folder)
      } throws: { error in
        (error as? TrainingFailure).map { $0.step <= 4 && $0.description.contains("not finite") } ?? false
      }
    }
  }

  @Test func augmentedBatchesTrainAnyNetwork() throws {
    let set = try TemporarySet(4, size: Extent2D(height: 70, width: 90))
    var configuration = configuration(set, steps: 1)
    (configuration.network, configuration.widths, configuration.crops.size) = ("lraspp-mobilenet-v3-large", nil, 64)
    (configuration.auxiliaryWeight, configuration.memory) = (0.4, 50_000_000)
    configuration.classWeighting = .median
    try withFolder { folder in
      let outcome = try Trainer(configuration).train(in: folder)
      #expect(outcome.steps == 1)
    }
  }
}
