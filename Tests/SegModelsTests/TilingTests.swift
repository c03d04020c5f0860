import Foundation
import SegEngine
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
}
