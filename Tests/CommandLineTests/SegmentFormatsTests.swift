import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// The formats of `seg segment`: each says what the label image says.
@Suite struct SegmentFormatsTests {
  private let options = ["--model", "pupil-unet", "--weights", Repository.weights]
  private let folder: Folder

  init() throws { folder = try Folder() }

  private func segment(_ images: [String], _ formats: String, _ more: [String] = [], to output: String) throws {
    expectSuccess(try seg(["segment"] + images + options + ["--output-format", formats, "-o", output] + more))
  }

  private struct Features: Decodable {
    struct Feature: Decodable {
      struct Geometry: Decodable {
        let type: String
        let coordinates: [[[[Double]]]]
      }
      struct Properties: Decodable {
        let `class`: Int
        let name: String
        let pixels: Int
      }
      let geometry: Geometry
      let properties: Properties
    }
    let features: [Feature]
  }

  private struct Collection: Decodable {
    struct Annotation: Decodable {
      struct Segmentation: Decodable {
        let size: [Int]
        let counts: String
      }
      let image_id, category_id: Int
      let segmentation: Segmentation
      let area: Double
    }
    struct Image: Decodable { let id: Int; let file_name: String }
    let images: [Image]
    let annotations: [Annotation]
  }

  @Test func everyFormatHasTheLabels() throws {
    let output = folder.path("out")
    try segment(
      [Repository.image(0), Repository.image(1)], "labels,labels-tiff,geojson,coco,areas,probabilities-16bit",
      to: output)
    let collection = try JSONDecoder().decode(
      Collection.self, from: Data(contentsOf: URL(filePath: "\(output)/annotations.json")))
    #expect(collection.images.map(\.file_name) == [Repository.image(0), Repository.image(1)])
    let table = try String(contentsOfFile: "\(output)/areas.csv", encoding: .utf8)
    for (index, frame) in Repository.frames.prefix(2).enumerated() {
      let labels = try LabelMap(contentsOf: "\(output)/\(frame).png")
      let ones = labels.labels.count { $0 == 1 }
      #expect(try LabelMap(contentsOf: "\(output)/\(frame).tif") == labels)

      let document = try JSONDecoder().decode(
        Features.self, from: Data(contentsOf: URL(filePath: "\(output)/\(frame).geojson")))
      let feature = try #require(document.features.first)
      #expect(document.features.count == 1 && feature.properties.class == 1 && feature.properties.pixels == ones)
      #expect(feature.geometry.type == "MultiPolygon")
      // The shoelace formula over exterior rings and holes, whose areas are negative.
      let area = feature.geometry.coordinates.joined().reduce(0.0) { sum, ring in
        sum + zip(ring, ring.dropFirst()).reduce(0) { $0 + $1.0[0] * $1.1[1] - $1.1[0] * $1.0[1] } / 2
      }
      #expect(abs(area - Double(ones)) < 1e-6)

      let annotation = try #require(collection.annotations.first { $0.image_id == index + 1 })
      #expect(annotation.category_id == 1 && annotation.area == Double(ones))
      #expect(annotation.segmentation.size == [labels.height, labels.width])
      let mask = try RunLengthEncoding(
        width: labels.width, height: labels.height, compressed: annotation.segmentation.counts
      ).mask
      #expect(mask == BinaryMask(labels, label: 1))
      #expect(table.contains("\(Repository.image(index)),1,"))
      #expect(table.contains(",\(ones),"))

      guard case .uint16(let bands) = try Image(contentsOf: "\(output)/\(frame)_probabilities_16bit.tif").samples else {
        Issue.record("16 bits per sample")
        continue
      }
      // The threshold of the network is 0.7.
      let different = labels.labels.indices.count {
        (Double(bands[2 * $0 + 1]) / 65535 > 0.7) != (labels.labels[$0] == 1)
      }
      #expect(different <= labels.labels.count / 2000)
    }
  }

  @Test func smallRegionsAreRemoved() throws {
    try segment([Repository.image(0)], "labels", ["--threshold", "0.05"], to: folder.path("all"))
    try segment(
      [Repository.image(0)], "labels", ["--threshold", "0.05", "--smallest", "100000"], to: folder.path("none"))
    let all = try LabelMap(contentsOf: folder.path("all/\(Repository.frames[0]).png"))
    let none = try LabelMap(contentsOf: folder.path("none/\(Repository.frames[0]).png"))
    #expect(Set(all.labels) == [0, 1])
    #expect(none == all.removingComponents(smallerThan: 100_000))
  }

  /// A GeoTIFF scene in tiles: the labels are those of the whole image's tiles, and its place on the map is kept.
  @Test func scenesAreStreamed() throws {
    let scene = Repository.path("Tests/Fixtures/geotiff/utm.tif")
    let tiles = ["--tile", "64", "--overlap", "16", "--alignment", "8"]
    func arguments(_ output: String) -> [String] {
      ["segment", scene, "-o", folder.path(output)] + tiles
    }
    expectSuccess(try seg(arguments("streamed")))
    expectSuccess(try seg(arguments("whole") + ["--output-format", "labels"]))
    let streamed = folder.path("streamed/utm.tif")
    #expect(try LabelMap(contentsOf: streamed) == LabelMap(contentsOf: folder.path("whole/utm.png")))
    let (before, after) = (try ImageFile(contentsOf: scene), try ImageFile(contentsOf: streamed))
    #expect(after.georeference?.transform != nil)
    #expect(after.georeference?.transform == before.georeference?.transform)
    #expect(after.georeference?.keyDirectory == before.georeference?.keyDirectory)
  }

  @Test func formatsThatDoNotGoTogether() throws {
    let image = [Repository.image(0)]
    func fails(_ arguments: [String], _ parts: [String]) throws {
      expectFailure(try seg(["segment"] + image + options + arguments), 64, parts)
    }
    try fails(["-o", folder.path, "--output-format", "labels,labels"], ["twice"])
    try fails(["-o", folder.path, "--output-format", "cutout", "--tile", "256"], ["--tile", "cutout"])
    try fails(["-o", folder.path, "--output-format", "coco", "--skip-existing"], ["coco"])
    try fails(["-o", "-", "--output-format", "labels-tiff"], ["labels-tiff"])
    try fails(["-o", folder.path, "--output-format", "jpeg"], ["jpeg"])
    try fails(["-o", folder.path, "--simplify=-1"], ["--simplify"])
    #expect(try folder.contents().isEmpty)
  }
}
