import SegEngine
import SegModels
import Synchronization
import Testing

/// Predictions of many images are those of each alone, in order, whatever fails between them.
@Suite struct PredictionSequenceTests {
  private struct Unreadable: Error, Equatable { let item: Int }

  private func predictor() throws -> Predictor {
    let graph = try Graph("network") { g in
      g.output("logits", g.input("image", [1, 8, 8, 1]).conv("conv", 4, kernel: 3))
    }
    return Predictor(
      try Model(graph, parameters: Parameters(initializing: graph, seed: 4)),
      preprocessing: Preprocessing(channels: .grey, fit: .keep(multipleOf: 1)), postprocessing: .argmax)
  }

  private static func image(_ item: Int) throws -> Image {
    guard item % 3 != 2 else { throw Unreadable(item: item) }
    return Image(
      width: 5 + item, height: 7, layout: .grey,
      samples: .uint8((0..<7 * (5 + item)).map { UInt8($0 * (item + 3) % 256) }))
  }

  @Test func eachIsThatOfItsImage() async throws {
    let predictor = try predictor()
    var seen: [Int] = []
    for try await (item, prediction) in predictor.predictions(for: 0..<8, reading: Self.image) {
      seen.append(item)
      if item % 3 == 2 {
        #expect(throws: Unreadable(item: item)) { try prediction.get() }
      } else {
        #expect(try prediction.get().labels == predictor(Self.image(item)).labels)
      }
    }
    #expect(seen == Array(0..<8))
    let alone = try await predictor.prediction(for: Self.image(1), keepingLogits: true)
    #expect(try alone.labels == predictor(Self.image(1)).labels && alone.logits != nil)
  }

  @Test func tilesAreCountedAndCancellable() async throws {
    let predictor = try predictor()
    let image = try Self.image(60)
    for blending in Tiling.Blending.allCases {
      let tiling = Tiling(
        size: Extent2D(height: 4, width: 32), overlap: Extent2D(height: 2, width: 8), blending: blending, alignment: 1)
      // Rows 0..<4, 2..<6, 4..<7; columns 0..<32, 24..<56, 48..<65.
      let counts = Mutex<[[Int]]>([])
      let labels = try await predictor.labels(for: image, in: tiling) { done, total in
        counts.withLock { $0.append([done, total]) }
      }
      let wanted: () throws -> LabelMap = { try predictor.labels(for: image, in: tiling) }
      #expect(try labels == wanted())
      #expect(counts.withLock { $0 } == (0...9).map { [$0, 9] })

      // The tile that cancels the task is the last one.
      let task = Task {
        try await predictor.labels(for: image, in: tiling) { done, _ in
          if done == 2 { withUnsafeCurrentTask { $0?.cancel() } }
        }
      }
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  /// One image ahead, never more.
  @Test func oneImageIsReadAhead() async throws {
    let predictor = try predictor()
    let begun = Mutex(0)
    let predictions = predictor.predictions(for: 0..<6) { item in
      begun.withLock { $0 += 1 }
      return try Self.image(0)
    }
    var count = 0
    for try await _ in predictions {
      count += 1
      let most = count + 1
      #expect(begun.withLock { $0 } <= most)
    }
    #expect(count == 6 && begun.withLock { $0 } == 6)
  }

  @Test func cancellationEndsTheSequence() async throws {
    let predictor = try predictor()
    let task = Task {
      var count = 0
      for try await _ in predictor.predictions(for: 0..<1_000_000, reading: { _ in try Self.image(0) }) {
        count += 1
        if count == 3 { withUnsafeCurrentTask { $0?.cancel() } }
      }
      return count
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
