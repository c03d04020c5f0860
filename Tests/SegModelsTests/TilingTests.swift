import Foundation
import SegEngine
import SegIO
import Synchronization
import TestSupport
import Testing

@testable import SegModels

@Suite struct TilingTests {
  private func image(_ width: Int, _ height: Int, seed: UInt64) -> Image {
    var generator = SeededGenerator(seed: seed)
    return Image(
      width: width, height: height, layout: .rgb,
      samples: .uint8((0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &generator) }))
  }

  /// A network that pools by 4 and sees at most 40 pixels to a side.
  private func predictor(_ postprocessing: Postprocessing = .argmax) throws -> Predictor {
    var network = UNet()
    network.widths = [8, 8, 8]
    network.classes = postprocessing == .argmax ? 5 : 1
    let graph = try network.graph(size: 64)
    return Predictor(
      try Model(graph, parameters: Parameters(initializing: graph, seed: 3)),
      preprocessing: Preprocessing(fit: .keep(multipleOf: 4), mean: [0.5], deviation: [0.25]),
      postprocessing: postprocessing)
  }

  /// Along one axis of a U-Net of two halvings: 2 · (1 + 1) pixels at stride 1, as many at strides 2 and 4, and what pooling and
  /// up-sampling reach: less than 40 pixels.
  @Test func middlesOfTilesAreTheWholeImage() throws {
    for postprocessing in [Postprocessing.argmax, .threshold(0.5)] {
      let predictor = try predictor(postprocessing)
      for (width, height) in [(301, 190), (128, 130), (97, 64)] {
        let image = image(width, height, seed: 4)
        let whole = try predictor(image).labels
        let tiles = try predictor.labels(
          for: image, in: Tiling(size: Extent2D(height: 128, width: 120), overlap: 80, blending: .center, alignment: 4))
        #expect(Set(whole.labels).count > 1)
        #expect(tiles == whole, "\(width)×\(height) \(postprocessing)")
      }
    }
  }

  /// The overlap that the graph asks for, with logits of tiles beside those of the whole image.
  @Test func haloOfTheGraphIsEnough() throws {
    let graphs = [
      try Graph("dilated") { g in
        var x = g.input("image", [1, 66, 66, 3]).conv("a", 8, kernel: 5, stride: 2).relu()
        x = x.conv("b", 8, kernel: 3, dilation: 3).relu().conv("c", 8, kernel: 3, stride: 3).relu()
        x = x.conv("d", 8, kernel: 3, dilation: 2).resize(by: 3, .bilinear).conv("e", 8, kernel: 3).relu()
        g.output("logits", x.transposedConv("f", 4, kernel: 4, stride: 2, padding: 1))
      },
      try {
        var network = UNet()
        network.widths = [8, 8, 8, 8]
        network.classes = 4
        return try network.graph(size: 64)
      }(),
    ]
    for (graph, period) in zip(graphs, [6, 8]) {
      let halo = try #require(try TileHalo(graph))
      #expect(try graph.stridePeriod() == period)
      #expect(halo.alignment == period && halo.overlap.height == halo.overlap.width && halo.overlap.height > 40)
      let model = try Model(graph, parameters: Parameters(initializing: graph, seed: 9))
      let predictor = Predictor(
        model, preprocessing: Preprocessing(fit: .keep(multipleOf: period), mean: [0.5], deviation: [0.25]),
        postprocessing: .argmax)
      let image = image(288, 264, seed: 6)
      let tiling = try #require(Tiling(size: 168, halo: halo))
      let whole = try predictor(image, keepingLogits: true)
      #expect(Set(whole.labels.labels).count > 1)
      #expect(try predictor.labels(for: image, in: tiling) == whole.labels)
      let logits = try #require(whole.logits?.shape == [1, 264, 288, 4] ? whole.logits : nil).elements(of: Float.self)
      let largest = logits.map(abs).max()!
      for row in tiling.rows(of: 264) {
        for column in tiling.columns(of: 288) {
          let tile = try #require(
            try predictor(image.cropped(rows: row.shown, columns: column.shown), keepingLogits: true).logits)
          let values = tile.elements(of: Float.self)
          for y in row.kept {
            for x in column.kept {
              for c in 0..<4 {
                let here = values[((y - row.shown.lowerBound) * tile.shape[2] + x - column.shown.lowerBound) * 4 + c]
                #expect(abs(here - logits[(y * 288 + x) * 4 + c]) <= 1e-5 * largest)
              }
            }
          }
        }
      }
    }
  }

  /// Half a period less than what the furthest pixel asks for is too little: the halo is no wider than it has to be.
  @Test func haloIsTight() throws {
    let graph = try Graph("chain") { g in
      g.output("y", g.input("image", [1, 32, 32, 3]).conv("a", 2, kernel: 7, dilation: 3).conv("b", 2, kernel: 5))
    }
    let halo = try #require(try TileHalo(graph))
    #expect(halo.overlap == Extent2D(2 * (9 + 2)) && halo.alignment == 1)
  }

  @Test func whatSeesTheWholeImageHasNoHalo() throws {
    let pooled = try Graph("pooled") { g in
      let x = g.input("image", [1, 32, 32, 3]).conv("a", 4, kernel: 3)
      g.output("y", x * x.globalAveragePool())
    }
    #expect(try TileHalo(pooled) == nil)
    let coarse = try Graph("coarse") { g in
      g.output("y", g.input("image", [1, 32, 32, 3]).conv("a", 4, kernel: 3, stride: 2))
    }
    #expect(try TileHalo(coarse) == nil)
  }

  /// Too little overlap shows: the comparison above is not one of nothing.
  @Test func edgesOfTilesAreNot() throws {
    let predictor = try predictor()
    let image = image(301, 190, seed: 4)
    let tiles = try predictor.labels(
      for: image, in: Tiling(size: 64, overlap: 0, blending: .center, alignment: 4))
    #expect(tiles != (try predictor(image).labels))
  }

  /// The weighted means, one pixel at a time in Double.
  @Test func gaussianIsAWeightedMean() throws {
    let predictor = try predictor()
    let image = image(150, 110, seed: 5)
    let tiling = Tiling(size: Extent2D(height: 64, width: 72), overlap: 24, alignment: 4)
    var sums = [Double](repeating: 0, count: 150 * 110 * 5)
    for top in [0, 40, 80] where top == 0 || top - 40 + 64 < 110 {
      for left in [0, 48, 96] where left == 0 || left - 48 + 72 < 150 {
        let (bottom, right) = (min(top + 64, 110), min(left + 72, 150))
        let tile = try predictor.probabilities(for: image.cropped(rows: top..<bottom, columns: left..<right))
        let values = tile.elements(of: Float.self)
        func weight(_ index: Int, _ extent: Int) -> Double {
          let distance = (Double(index) - Double(extent - 1) / 2) / (Double(extent) / 8)
          return max(exp(-distance * distance / 2), 1e-4)
        }
        for y in top..<bottom {
          for x in left..<right {
            let w = weight(y - top, bottom - top) * weight(x - left, right - left)
            for c in 0..<5 {
              sums[(y * 150 + x) * 5 + c] += w * Double(values[((y - top) * (right - left) + x - left) * 5 + c])
            }
          }
        }
      }
    }
    let labels = try predictor.labels(for: image, in: tiling)
    var (different, close) = (0, 0)
    for pixel in 0..<150 * 110 {
      let pixelSums = sums[pixel * 5..<pixel * 5 + 5]
      let best = pixelSums.max()!
      if pixelSums.filter({ $0 > best * (1 - 1e-4) }).count > 1 { close += 1; continue }
      if pixelSums.firstIndex(of: best)! - pixel * 5 != Int(labels.labels[pixel]) { different += 1 }
    }
    #expect(different == 0 && close < 100)
  }

  @Test func stretchesCoverAnAxisOnce() {
    let tiling = Tiling(size: 100, overlap: 30, alignment: 8)
    for extent in [1, 99, 100, 101, 164, 165, 1000] {
      let stretches = tiling.rows(of: extent)
      #expect(stretches.flatMap { Array($0.kept) } == Array(0..<extent))
      for stretch in stretches {
        #expect(stretch.shown.lowerBound % 8 == 0 && stretch.shown.count <= 100)
        #expect(
          stretch.shown.lowerBound <= stretch.kept.lowerBound && stretch.kept.upperBound <= stretch.shown.upperBound)
      }
      for (one, next) in zip(stretches, stretches.dropFirst()) {
        #expect(one.shown.upperBound - next.shown.lowerBound >= 30)
      }
    }
  }

  /// The sums of all pixels at once, in the order of the tiles: not one label may differ.
  @Test func gaussianBandsAreTheWholeSums() throws {
    for (postprocessing, classes) in [(Postprocessing.argmax, 5), (.threshold(0.4), 2)] {
      let predictor = try predictor(postprocessing)
      for (width, height) in [(150, 110), (61, 200), (64, 64), (33, 20)] {
        let image = image(width, height, seed: 7)
        let tiling = Tiling(size: Extent2D(height: 64, width: 48), overlap: 20, alignment: 4)
        var sums = [Float](repeating: 0, count: width * height * classes)
        for row in tiling.rows(of: height) {
          for column in tiling.columns(of: width) {
            let tile = try predictor.probabilities(for: image.cropped(rows: row.shown, columns: column.shown))
            let values = tile.elements(of: Float.self)
            let (down, across) = (Tiling.weights(row.shown.count), Tiling.weights(column.shown.count))
            for y in row.shown.indices {
              for x in column.shown.indices {
                let (i, j) = (y - row.shown.lowerBound, x - column.shown.lowerBound)
                for c in 0..<classes {
                  sums[(y * width + x) * classes + c] +=
                    down[i] * across[j] * values[(i * column.shown.count + j) * classes + c]
                }
              }
            }
          }
        }
        let wanted = LabelMap(
          probabilities: Tensor([height, width, classes], sums), threshold: postprocessing.threshold)
        #expect(Set(wanted.labels).count > 1)
        #expect(try predictor.labels(for: image, in: tiling) == wanted, "\(width)×\(height)")
      }
    }
  }

  /// A source that notes what is asked of it.
  private final class NotingSource: ImageSource {
    let image: Image
    private(set) var regions: [(rows: Range<Int>, columns: Range<Int>)] = []
    var width: Int { image.width }
    var height: Int { image.height }

    init(_ image: Image) { self.image = image }

    func image(rows: Range<Int>, columns: Range<Int>) throws -> Image {
      regions.append((rows, columns))
      return image.cropped(rows: rows, columns: columns)
    }
  }

  @Test(arguments: Tiling.Blending.allCases) func streamedLabelsAreTheWholeLabels(_ blending: Tiling.Blending) throws {
    for postprocessing in [Postprocessing.argmax, .threshold(0.5)] {
      let predictor = try predictor(postprocessing)
      for (width, height) in [(301, 190), (128, 130), (97, 64), (50, 201), (130, 129), (1, 1)] {
        let image = image(width, height, seed: 11)
        let tiling = Tiling(
          size: Extent2D(height: 72, width: 64), overlap: Extent2D(height: 24, width: 16), blending: blending,
          alignment: 4)
        let source = NotingSource(image)
        var labels: [UInt16] = []
        var (pieces, counts) = (0, [Int]())
        try predictor.labels(
          for: source, in: tiling, progress: { done, _ in counts.append(done) },
          rows: { rows, first in
            #expect(rows.width == width && rows.height > 0)
            #expect(first == labels.count / width)
            labels += rows.labels
            pieces += 1
          })
        let whole = try predictor.labels(for: image, in: tiling)
        #expect(LabelMap(width: width, height: height, labels: labels) == whole)
        #expect(pieces <= tiling.rows(of: height).count && (height < 72 || pieces > 1))
        #expect(counts == Array(0...source.regions.count))
        for region in source.regions { #expect(region.rows.count <= 72 && region.columns.count <= 64) }
        // By rows of tiles: a region begins further down, or further to the right.
        for (one, next) in zip(source.regions, source.regions.dropFirst()) {
          #expect(
            (one.rows.lowerBound, one.columns.lowerBound) < (next.rows.lowerBound, next.columns.lowerBound))
        }
      }
    }
  }

  private struct Stop: Error, Equatable {}

  /// Fails from a row on.
  private struct BrokenSource: ImageSource {
    let image: Image
    let row: Int
    var width: Int { image.width }
    var height: Int { image.height }

    func image(rows: Range<Int>, columns: Range<Int>) throws -> Image {
      if rows.upperBound > row { throw Stop() }
      return image.cropped(rows: rows, columns: columns)
    }
  }

  @Test(arguments: Tiling.Blending.allCases) func errorsEndTheComputation(_ blending: Tiling.Blending) throws {
    let predictor = try predictor()
    let image = image(100, 200, seed: 2)
    let tiling = Tiling(size: 64, overlap: 16, blending: blending, alignment: 4)
    var count = 0
    #expect(throws: Stop()) {
      try predictor.labels(
        for: image, in: tiling,
        rows: { _, _ in
          count += 1
          if count == 2 { throw Stop() }
        })
    }
    #expect(count == 2)
    count = 0
    #expect(throws: Stop()) {
      try predictor.labels(for: BrokenSource(image: image, row: 120), in: tiling, rows: { _, _ in count += 1 })
    }
    // Rows 0..<64 and 48..<112 are read.
    #expect(count == 2)
  }

  @Test func streamingDoesNotBlock() async throws {
    let predictor = try predictor()
    let image = image(100, 130, seed: 2)
    for blending in Tiling.Blending.allCases {
      let tiling = Tiling(size: 64, overlap: 16, blending: blending, alignment: 4)
      let labels = Mutex<[UInt16]>([])
      try await predictor.labels(
        for: image, in: tiling, rows: { rows, _ in labels.withLock { $0 += rows.labels } })
      let whole = try await predictor.labels(for: image, in: tiling)
      #expect(labels.withLock { $0 } == whole.labels)
      let task = Task {
        try await predictor.labels(
          for: image, in: tiling,
          progress: { done, _ in if done == 3 { withUnsafeCurrentTask { $0?.cancel() } } },
          rows: { rows, _ in #expect(rows.width == 100) })
      }
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  /// From a file to a file, neither ever whole in memory.
  @Test(arguments: Tiling.Blending.allCases) func scenesAreSegmentedFromFileToFile(_ blending: Tiling.Blending) throws {
    let predictor = try predictor()
    let scene = Fixtures.path("Tests/Fixtures/geotiff/utm.tif")
    let tiling = Tiling(size: 24, overlap: 8, blending: blending, alignment: 4)
    try withTemporaryFolder { folder in
      func segment(_ path: String) throws {
        let file = try ImageFile(contentsOf: path)
        let mask = try TIFFWriter(
          to: folder + "/mask.tif", width: file.width, height: file.height, content: .labels(classes: 5),
          options: .init(arrangement: .tiles(16), georeference: file.georeference))
        try predictor.labels(for: file, in: tiling, rows: { rows, _ in try mask.append(rows) })
        try mask.finish()
      }
      // Cut off behind the directory, within the tiles.
      var bytes = Array(try Data(contentsOf: URL(filePath: scene)))
      bytes.removeLast(400)
      let cut = folder + "/cut.tif"
      try Data(bytes).write(to: URL(filePath: cut))
      #expect(throws: ImageError.self) { try segment(cut) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["cut.tif"])
      try segment(scene)
      #expect(
        try LabelMap(contentsOf: folder + "/mask.tif")
          == predictor.labels(for: try Image(contentsOf: scene), in: tiling))
      let mask = try ImageFile(contentsOf: folder + "/mask.tif")
      #expect(try mask.georeference == ImageFile(contentsOf: scene).georeference && mask.georeference != nil)
    }
  }
}

/// Runs a body with a new folder that is removed afterwards.
private func withTemporaryFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "tiling-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path(percentEncoded: false))
}
