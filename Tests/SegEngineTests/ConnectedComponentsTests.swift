import SegEngine
import TestSupport
import Testing

@Suite struct ConnectedComponentsTests {
  @Test func componentsOfADrawnMap() {
    let map = LabelMap(
      "11.2",
      "1.12",
      ".11.")
    let four = ConnectedComponents(map)
    #expect(four.labels == [1, 0, 2, 0, 1, 0, 0])
    #expect(four.sizes == [3, 1, 2, 1, 3, 1, 1])
    #expect(four.indices() == [0, 0, 1, 2, 0, 3, 4, 2, 5, 4, 4, 6])
    let eight = ConnectedComponents(map, connectivity: .eight)
    #expect(eight.labels == [1, 0, 2, 0])
    #expect(eight.sizes == [6, 3, 2, 1])
    #expect(eight.indices() == [0, 0, 1, 2, 0, 1, 0, 2, 1, 0, 0, 3])
  }

  /// Maps of one row, one column, one pixel and none.
  @Test(arguments: Connectivity.allCases) func thinMaps(connectivity: Connectivity) {
    let row = LabelMap(width: 6, height: 1, labels: [3, 3, 0, 3, 3, 3])
    #expect(ConnectedComponents(row, connectivity: connectivity).sizes == [2, 1, 3])
    let column = LabelMap(width: 1, height: 6, labels: [3, 3, 0, 3, 3, 3])
    #expect(ConnectedComponents(column, connectivity: connectivity).indices() == [0, 0, 1, 2, 2, 2])
    let pixel = ConnectedComponents(LabelMap(width: 1, height: 1, repeating: .max), connectivity: connectivity)
    #expect(pixel.labels == [.max] && pixel.sizes == [1])
    for (width, height) in [(0, 0), (0, 3), (3, 0)] {
      let none = ConnectedComponents(LabelMap(width: width, height: height), connectivity: connectivity)
      #expect(none.count == 0 && none.indices().isEmpty)
    }
  }

  @Test(arguments: 0..<50) func agreesWithFloodFill(seed: UInt64) {
    let map = LabelMap.random(width: 31, height: 23, classes: 2 + UInt16(seed % 3), seed: seed)
    for connectivity in Connectivity.allCases {
      let components = ConnectedComponents(map, connectivity: connectivity)
      let expected = naiveComponents(map, connectivity)
      #expect(components.indices().map { Int($0) } == expected)
      #expect(components.sizes == (0..<components.count).map { component in expected.count { $0 == component } })
      #expect(components.labels == (0..<components.count).map { map.labels[expected.firstIndex(of: $0)!] })
    }
  }
}
