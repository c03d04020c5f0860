import Foundation
import SegEngine
import SegIO
import Testing

@testable import SegTraining

/// Batches: which images and places they show, and that they repeat.
@Suite struct BatchSamplerTests {
  private func sampler(
    _ set: TemporarySet, seed: UInt64 = 1, _ change: (inout TrainingConfiguration) -> Void = { _ in }
  ) throws -> BatchSampler {
    var configuration = TrainingConfiguration(data: set.path)
    configuration.crops = CropSampling(size: 16)
    configuration.seed = seed
    configuration.batch = 4
    change(&configuration)
    return try Trainer(configuration).sampler
  }

  @Test func aBatchDependsOnSeedAndStepAlone() throws {
    let set = try TemporarySet(8)
    var augmentation = Augmentation.photographs
    augmentation.mosaic = 0.3
    augmentation.elastic = .init()
    augmentation.cutout = .init()
    augmentation.noise = .init()
    let first = try sampler(set) { $0.augmentation = augmentation }
    let other = try sampler(set) { $0.augmentation = augmentation }
    let steps = try (0..<6).map { try first.batch(of: $0) }
    for step in [5, 2, 0, 3] {
      let own = try other.batch(of: step)
      #expect(own.images == steps[step].images && own.targets == steps[step].targets)
    }
    #expect(steps[0].images != steps[1].images)
    #expect(try sampler(set, seed: 2).batch(of: 0).images != sampler(set).batch(of: 0).images)
  }

  @Test func aFocusIsAnyPixelOfTheClass() throws {
    var labels = LabelMap(width: 5, height: 4)
    let places = [(0, 3), (2, 0), (2, 4), (3, 1)]
    for (row, column) in places { labels[row, column] = 1 }
    let example = TrainingExample(pixels: Tensor(zeros: [4, 5, 1]), labels: labels, classes: 2)
    var generator = SeededGenerator(seed: 1)
    var found: Set<[Int]> = []
    for _ in 0..<200 {
      let (row, column) = example.pixel(of: 1, using: &generator)
      found.insert([row, column])
    }
    #expect(found == Set(places.map { [$0.0, $0.1] }))
    #expect(example.presentClasses == [0, 1])
  }

  @Test func foregroundAndSharesAreThoseThatAreAskedFor() throws {
    let set = try TemporarySet(6)
    func shares(_ change: (inout TrainingConfiguration) -> Void) throws -> [Double] {
      let sampler = try sampler(set) {
        $0.augmentation = .none
        change(&$0)
      }
      return try (0..<10).flatMap { step in
        let labels = try sampler.batch(of: step).targets.elements(of: UInt16.self)
        return (0..<4).map { index in Double(labels[index * 256..<(index + 1) * 256].count { $0 == 1 }) / 256 }
      }
    }
    let all = try shares { $0.crops.foreground = 1 }
    #expect(all.allSatisfy { $0 > 0 })
    let none = try shares { $0.crops.foreground = 0 }
    #expect(none.contains(0))
    let limited = try shares { $0.crops.leastForeground = 0.1 }
    #expect(limited.count { $0 < 0.1 } < none.count { $0 < 0.1 } / 4)
    let mixed = try shares { $0.crops.largestShare = 0.8 }
    #expect(mixed.count { max($0, 1 - $0) > 0.8 } < none.count { max($0, 1 - $0) > 0.8 } / 2)
    // With rare-class sampling at a low temperature the rare class is shown almost always.
    let rare = try shares { $0.crops.rareClassTemperature = 0.05 }
    #expect(rare.count { $0 > 0 } >= 36)
  }
}
