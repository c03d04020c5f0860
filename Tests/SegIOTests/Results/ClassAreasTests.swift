import Foundation
import SegIO
import TestSupport
import Testing

@Suite struct ClassAreasTests {
  private let map = LabelMap(
    ".11.",
    ".113")

  @Test func pixelsSharesAndAreas() {
    let areas = ClassAreas(map, pixelArea: 25)
    #expect(areas.pixelCount == 8)
    #expect(areas.classes.map(\.label) == [0, 1, 3])
    #expect(areas.classes.map(\.pixels) == [3, 4, 1])
    #expect(areas.classes.map(\.share) == [0.375, 0.5, 0.125])
    #expect(areas.classes.map(\.area) == [75, 100, 25])
    #expect(ClassAreas(map).classes.allSatisfy { $0.area == nil })
  }

  @Test func classesThatDoNotOccurAndLabelsThatAreLeftOut() {
    let areas = ClassAreas(map, classCount: 3, leavingOut: [0])
    #expect(areas.classes.map(\.label) == [1, 2, 3])
    #expect(areas.classes.map(\.pixels) == [4, 0, 1])
    #expect(areas.classes.map(\.share) == [0.8, 0, 0.2])
    let none = ClassAreas(LabelMap(width: 0, height: 0), classCount: 2)
    #expect(none.pixelCount == 0 && none.classes.map(\.share) == [0, 0])
    let all = ClassAreas(LabelMap(width: 2, height: 1, labels: [0, .max]))
    #expect(all.classes.map(\.label) == [0, .max])
  }

  @Test func table() throws {
    var table = ClassAreaTable(names: ["background", "a, \"b\"", "two\r\nlines"])
    table.add(ClassAreas(map), image: "first.png")
    table.add(ClassAreas(LabelMap("22"), pixelArea: 0.25), image: "comma,name.png")
    let expected = [
      "image,class,name,pixels,share,area",
      "first.png,0,background,3,0.375,",
      "first.png,1,\"a, \"\"b\"\"\",4,0.5,",
      "first.png,3,class 3,1,0.125,",
      "\"comma,name.png\",2,\"two\r\nlines\",2,1.0,0.5",
      "",
    ]
    #expect(Array(table.csv.utf8) == Array(expected.joined(separator: "\r\n").utf8))
    try withTemporaryFolder { folder in
      try table.write(to: folder + "/areas.csv")
      #expect(try Data(contentsOf: URL(filePath: folder + "/areas.csv")) == Data(table.csv.utf8))
    }
  }

  @Test func tableWithoutAreas() {
    var table = ClassAreaTable()
    #expect(table.csv == "image,class,name,pixels,share\r\n")
    table.add(ClassAreas(LabelMap("7")), image: "a")
    #expect(table.csv == "image,class,name,pixels,share\r\na,7,class 7,1,1.0\r\n")
  }
}
