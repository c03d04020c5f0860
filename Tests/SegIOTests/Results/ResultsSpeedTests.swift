import Foundation
import SegIO
import SegModels
import TestSupport
import Testing

/// Times of the forms of results for a map of 12 megapixels, printed; run with `SEG_MEASURE=1` on a machine that does
/// nothing else.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["SEG_MEASURE"] != nil))
struct ResultsSpeedTests {
  private func measure<Result>(_ name: String, rounds: Int = 5, _ body: () throws -> Result) rethrows -> Result {
    let clock = ContinuousClock()
    var times: [Double] = []
    var result = try body()
    for _ in 0..<rounds { times.append(try clock.measure { result = try body() } / .milliseconds(1)) }
    print("\(name): \(String(format: "%.1f", times.sorted()[rounds / 2])) ms")
    return result
  }

  /// Cells around points drawn at random, 19 classes, with curved borders; one pixel of `speckle` has another class.
  private func cells(speckle: Int) -> LabelMap {
    let (width, height, grid) = (4000, 3000, 100)
    var generator = SeededGenerator(seed: 5)
    let columns = width / grid + 2
    let points = (0..<columns * (height / grid + 2)).map { index in
      (
        x: (index % columns - 1) * grid + Int.random(in: 0..<grid, using: &generator),
        y: (index / columns - 1) * grid + Int.random(in: 0..<grid, using: &generator),
        label: UInt16.random(in: 0..<19, using: &generator)
      )
    }
    var map = LabelMap(width: width, height: height)
    for row in 0..<height {
      for column in 0..<width {
        var best = (distance: Int.max, label: UInt16(0))
        let (bent, moved) = (row + Int(20 * sin(Double(column) / 30)), column + Int(20 * sin(Double(row) / 23)))
        for y in max(bent / grid - 1, -1)...min(bent / grid + 1, height / grid) {
          for x in max(moved / grid - 1, -1)...min(moved / grid + 1, width / grid) {
            let point = points[(y + 1) * columns + x + 1]
            let distance = (point.x - moved) * (point.x - moved) + (point.y - bent) * (point.y - bent)
            if distance < best.distance { best = (distance, point.label) }
          }
        }
        map[row, column] = best.label
        if speckle > 0, Int.random(in: 0..<speckle, using: &generator) == 0 {
          map[row, column] = UInt16.random(in: 0..<19, using: &generator)
        }
      }
    }
    return map
  }

  @Test func times() throws {
    let noise = LabelMap.random(width: 4000, height: 3000, classes: 4, seed: 4)
    for (name, map) in [("cells", cells(speckle: 0)), ("cells with specks", cells(speckle: 100)), ("noise", noise)] {
      for connectivity in Connectivity.allCases {
        let components = measure("\(name), components, \(connectivity)") {
          ConnectedComponents(map, connectivity: connectivity)
        }
        let cleaned = measure("\(name), components below 64 pixels, \(connectivity)") {
          map.removingComponents(smallerThan: 64, connectivity: connectivity)
        }
        let rest = ConnectedComponents(cleaned, connectivity: connectivity)
        print("\(name): \(components.count) components, \(rest.count) of 64 pixels and more")
      }
      let encodings = measure("\(name), run-length encodings") { RunLengthEncoding.encodings(of: map) }
      _ = measure("\(name), compressed strings") { encodings.map(\.encoding.compressed.utf8.count) }
      _ = measure("\(name), class areas") { ClassAreas(map) }
      for tolerance in [0, 1.5, 10] {
        let polygons = measure("\(name), polygons, tolerance \(tolerance)", rounds: 3) {
          RegionPolygons(map, tolerance: tolerance)
        }
        let bytes = try measure("\(name), GeoJSON, tolerance \(tolerance)", rounds: 3) {
          try GeoJSON().bytes(polygons)
        }
        print("\(name): \(polygons.count) regions, \(bytes.count) bytes")
      }
    }
  }
}
