import SegModels
import TestSupport
import Testing

@Suite struct RemovingComponentsTests {
  @Test func specksAndHolesTakeTheClassAround() {
    let map = LabelMap(
      "111111",
      "1.1122",
      "111122",
      "113122",
      "111122")
    let cleaned = LabelMap(
      "111111",
      "111122",
      "111122",
      "111122",
      "111122")
    #expect(map.removingComponents(smallerThan: 2) == cleaned)
    #expect(map.removingComponents(smallerThan: 8) == cleaned)
    #expect(map.removingComponents(smallerThan: 9) == LabelMap(width: 6, height: 5, repeating: 1))
    #expect(map.removingComponents(smallerThan: 1) == map)
    #expect(map.removingComponents(smallerThan: -5) == map)
  }

  @Test func ofEqualClassesTheSmallestWins() {
    // The pixel of 5 has one bordering pixel of 2 and one of 3.
    #expect(
      LabelMap(
        "2223",
        "2253",
        "3333"
      ).removingComponents(smallerThan: 2)
        == LabelMap(
          "2223",
          "2223",
          "3333"))
    #expect(LabelMap("22533").removingComponents(smallerThan: 2) == LabelMap("22233"))
    #expect(LabelMap("33522").removingComponents(smallerThan: 2) == LabelMap("33222"))
  }

  /// A component in the form of a U borders on two pixels of class 3 below, and on one of class 2 in its notch, with
  /// which it shares three edges.
  @Test func aBorderingPixelCountsOnce() {
    var map = LabelMap(width: 5, height: 14, repeating: 255)
    for row in 0...6 { map[row, 2] = 2 }
    for row in 8..<14 { (map[row, 1], map[row, 3]) = (3, 3) }
    let pixels = [(6, 1), (6, 3), (7, 1), (7, 2), (7, 3)]
    for (row, column) in pixels { map[row, column] = 5 }
    var expected = map
    for (row, column) in pixels { expected[row, column] = 3 }
    #expect(map.removingComponents(smallerThan: 6) == expected)
  }

  /// With four neighbours the two pixels of class 1 are two components, with eight one.
  @Test func connectivity() {
    let map = LabelMap(
      ".....",
      ".1...",
      "..1..",
      ".....")
    #expect(map.removingComponents(smallerThan: 2) == LabelMap(width: 5, height: 4))
    #expect(map.removingComponents(smallerThan: 2, connectivity: .eight) == map)
    #expect(map.removingComponents(smallerThan: 3, connectivity: .eight) == LabelMap(width: 5, height: 4))
  }

  @Test func ignoredLabelsStayAndDoNotSpread() {
    var map = LabelMap(width: 5, height: 3, repeating: 255)
    map[0, 0] = 7
    map[1, 2] = 1
    map[1, 3] = 2
    // Nothing but ignored pixels is around 7. 1 and 2 have each other; 1 comes first and takes 2.
    var expected = map
    expected[1, 2] = 2
    #expect(map.removingComponents(smallerThan: 3) == expected)
    #expect(
      map.removingComponents(smallerThan: 3, ignoring: []) == LabelMap(width: 5, height: 3, repeating: 255))
    // A single ignored pixel stays.
    var speck = LabelMap(width: 5, height: 3, repeating: 4)
    speck[1, 1] = LabelMap.unlabelled
    #expect(speck.removingComponents(smallerThan: 3) == speck)
  }

  @Test func mapsWithoutNeighbours() {
    #expect(LabelMap(width: 0, height: 0).removingComponents(smallerThan: 5) == LabelMap(width: 0, height: 0))
    let whole = LabelMap(width: 2, height: 2, repeating: 3)
    #expect(whole.removingComponents(smallerThan: 100) == whole)
  }

  @Test(arguments: 0..<40) func agreesWithTheRuleTakenLiterally(seed: UInt64) {
    var map = LabelMap.random(width: 17, height: 13, classes: 4, seed: seed)
    // Every third map has ignored pixels.
    if seed % 3 == 0 { for index in stride(from: 3, to: map.labels.count, by: 7) { map.labels[index] = 255 } }
    for connectivity in Connectivity.allCases {
      for pixels in [2, 4, 9, 40] {
        #expect(
          map.removingComponents(smallerThan: pixels, connectivity: connectivity)
            == naiveRemoval(map, pixels, connectivity, ignoring: [255, LabelMap.unlabelled]))
      }
    }
  }

  private func naiveRemoval(
    _ map: LabelMap, _ pixels: Int, _ connectivity: Connectivity, ignoring ignored: Set<UInt16>
  ) -> LabelMap {
    var map = map
    while true {
      let components = naiveComponents(map, connectivity)
      var members = [[Int]](repeating: [], count: (components.max() ?? -1) + 1)
      for (pixel, component) in components.enumerated() { members[component].append(pixel) }
      // Components are numbered by their first pixels, and sorting keeps the order of equal ones.
      let order = members.indices.sorted { (members[$0].count, $0) < (members[$1].count, $1) }
      var changed = false
      for component in order where members[component].count < pixels {
        if ignored.contains(map.labels[members[component][0]]) { continue }
        let border = Set(members[component].flatMap { naiveNeighbours(of: $0, in: map, connectivity) })
          .subtracting(members[component])
        var votes: [UInt16: Int] = [:]
        for pixel in border where !ignored.contains(map.labels[pixel]) { votes[map.labels[pixel], default: 0] += 1 }
        guard let most = votes.values.max() else { continue }
        let winner = votes.filter { $0.value == most }.keys.min()!
        for pixel in members[component] { map.labels[pixel] = winner }
        changed = true
        break
      }
      if !changed { return map }
    }
  }
}
