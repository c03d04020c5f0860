import Foundation
import SegIO
import TestSupport
import Testing

@Suite struct COCODocumentTests {
  private let first = LabelMap(
    ".11.",
    ".112")
  private let second = LabelMap(
    "33",
    ".3",
    ".3")

  @Test func annotationsOfTwoImages() throws {
    var document = COCODocument(names: ["background", "road", "a \"wide\" river"], leavingOut: [0])
    document.add(first, fileName: "a/first.png")
    document.add(second, fileName: "second.png")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(document.jsonBytes())) as? [String: [[String: Any]]])
    #expect(Set(json.keys) == ["images", "annotations", "categories"])
    let images = try #require(json["images"])
    #expect(images.map { $0["id"] as? Int } == [1, 2])
    #expect(images.map { $0["file_name"] as? String } == ["a/first.png", "second.png"])
    #expect(images.map { $0["width"] as? Int } == [4, 2] && images.map { $0["height"] as? Int } == [2, 3])
    let categories = try #require(json["categories"])
    #expect(categories.map { $0["id"] as? Int } == [1, 2, 3])
    #expect(categories.map { $0["name"] as? String } == ["road", "a \"wide\" river", "class 3"])
    let annotations = try #require(json["annotations"])
    #expect(annotations.map { $0["id"] as? Int } == [1, 2, 3])
    #expect(annotations.map { $0["image_id"] as? Int } == [1, 1, 2])
    #expect(annotations.map { $0["category_id"] as? Int } == [1, 2, 3])
    #expect(annotations.map { $0["iscrowd"] as? Int } == [0, 0, 0])
    #expect(annotations.map { $0["area"] as? Double } == [4, 1, 4])
    #expect(annotations.map { $0["bbox"] as? [Double] } == [[1, 0, 2, 2], [3, 1, 1, 1], [0, 0, 2, 3]])
    let masks = annotations.map { $0["segmentation"] as? [String: Any] }
    #expect(masks.map { $0?["size"] as? [Int] } == [[2, 4], [2, 4], [3, 2]])
    // Below 16, and up to the third count, a count is the one character 48 + count.
    #expect(masks.map { $0?["counts"] as? String } == ["242", "71", "0122"])
  }

  @Test func backgroundStaysUnlessItIsLeftOut() {
    var document = COCODocument()
    document.add(first, fileName: "first.png")
    #expect(document.annotations.map(\.categoryID) == [0, 1, 2])
    #expect(document.categories.map(\.name) == ["class 0", "class 1", "class 2"])
  }

  @Test func writtenAndReadBack() throws {
    var document = COCODocument(names: ["a"])
    document.add(LabelMap.random(width: 40, height: 30, classes: 6, seed: 1), fileName: "é.png")
    try withTemporaryFolder { folder in
      let path = folder + "/coco.json"
      try document.write(to: path)
      let read = try JSONDecoder().decode(COCODocument.self, from: Data(contentsOf: URL(filePath: path)))
      #expect(read.images == document.images && read.annotations == document.annotations)
      #expect(read.categories == document.categories)
      #expect(throws: FileError.self) { try document.write(to: folder) }
    }
  }
}
