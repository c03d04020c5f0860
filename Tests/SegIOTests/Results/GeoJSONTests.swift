import Foundation
import SegIO
import TestSupport
import Testing

@Suite struct GeoJSONTests {
  private let map = LabelMap(
    "1..",
    ".1.")

  private struct Document: Decodable {
    struct Feature: Decodable {
      struct Properties: Decodable, Equatable {
        let `class`, pixels: Int
        let name: String
      }
      struct Geometry: Decodable {
        let type: String
        /// The polygons of a Polygon or a MultiPolygon.
        let polygons: [[[[Double]]]]

        private enum CodingKeys: String, CodingKey {
          case type, coordinates
        }

        init(from decoder: any Decoder) throws {
          let container = try decoder.container(keyedBy: CodingKeys.self)
          type = try container.decode(String.self, forKey: .type)
          polygons =
            type == "Polygon"
            ? [try container.decode([[[Double]]].self, forKey: .coordinates)]
            : try container.decode([[[[Double]]]].self, forKey: .coordinates)
        }
      }
      let type: String
      let properties: Properties
      let geometry: Geometry
    }
    struct System: Decodable {
      let type: String
      let properties: [String: String]
    }
    let type: String
    let crs: System?
    let features: [Feature]
  }

  private func decode(_ bytes: [UInt8]) throws -> Document {
    try JSONDecoder().decode(Document.self, from: Data(bytes))
  }

  private func area(_ ring: [[Double]]) -> Double {
    zip(ring, ring.dropFirst()).reduce(0) { $0 + ($1.0[0] * $1.1[1] - $1.1[0] * $1.0[1]) / 2 }
  }

  @Test func regionsInPixels() throws {
    let text = String(
      decoding: try GeoJSON(feature: .regions).bytes(RegionPolygons(map, leavingOut: [0])), as: UTF8.self)
    // The corner at (1, 1), where four regions meet, and (1, 0), (1, 2), where the map's edge meets boundaries.
    #expect(
      text == """
        {"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"class":1,"name":"class 1","pixels":1},"geometry":\
        {"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}},
        {"type":"Feature","properties":{"class":1,"name":"class 1","pixels":1},"geometry":\
        {"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2],[1,2],[1,1]]]}}
        ]}

        """)
  }

  @Test func classesInMapCoordinates() throws {
    let transform = PixelTransform(
      originX: 500_000.5, xPerColumn: 10, xPerRow: 0, originY: 5_000_000, yPerColumn: 0, yPerRow: -10)
    let form = GeoJSON(
      names: ["back\\ground", "a \"road\"\n"], transform: transform, crsName: GeoJSON.crsName(epsg: 32632))
    let document = try decode(form.bytes(RegionPolygons(map)))
    #expect(document.type == "FeatureCollection")
    #expect(document.crs?.type == "name")
    #expect(document.crs?.properties == ["name": "urn:ogc:def:crs:EPSG::32632"])
    #expect(document.features.map(\.type) == ["Feature", "Feature"])
    #expect(document.features.map(\.geometry.type) == ["MultiPolygon", "MultiPolygon"])
    #expect(document.features.map(\.properties.class) == [0, 1])
    #expect(document.features.map(\.properties.name) == ["back\\ground", "a \"road\"\n"])
    #expect(document.features.map(\.properties.pixels) == [4, 2])
    #expect(document.features.map { $0.geometry.polygons.count } == [2, 2])
    // The y axis points up, so the order of corners is reversed.
    #expect(
      document.features[1].geometry.polygons[0] == [
        [
          [500_000.5, 5_000_000], [500_000.5, 4_999_990], [500_010.5, 4_999_990], [500_010.5, 5_000_000],
          [500_000.5, 5_000_000],
        ]
      ])
  }

  @Test(arguments: 0..<20) func ringsAreClosedAndOriented(seed: UInt64) throws {
    let map = LabelMap.random(width: 21, height: 14, classes: 3, seed: seed)
    let turned = PixelTransform(
      originX: -3, xPerColumn: 0.5, xPerRow: 0.25, originY: 8, yPerColumn: -0.75, yPerRow: 0.5)
    let mirrored = PixelTransform(
      originX: 100, xPerColumn: 2, xPerRow: 0, originY: 50, yPerColumn: 0, yPerRow: -2)
    for transform in [.identity, turned, mirrored] {
      for feature in GeoJSON.Feature.allCases {
        let document = try decode(
          GeoJSON(feature: feature, transform: transform).bytes(RegionPolygons(map, tolerance: Double(seed % 3))))
        var total = 0.0
        for polygon in document.features.flatMap(\.geometry.polygons) {
          #expect(polygon.allSatisfy { $0.count >= 4 && $0.first == $0.last })
          #expect(area(polygon[0]) > 0)
          #expect(polygon.dropFirst().allSatisfy { area($0) < 0 })
          total += polygon.reduce(0) { $0 + area($1) }
        }
        // All numbers are multiples of powers of two, so the sum is exact.
        #expect(total == 21 * 14 * transform.pixelArea)
        #expect(document.features.reduce(0) { $0 + $1.properties.pixels } == 21 * 14)
        if feature == .classes { #expect(document.features.map(\.properties.class) == [0, 1, 2]) }
      }
    }
  }

  @Test func noFeatures() throws {
    let document = try decode(GeoJSON().bytes(RegionPolygons(map, leavingOut: [0, 1])))
    #expect(document.features.isEmpty && document.crs == nil)
    #expect(try decode(GeoJSON().bytes(RegionPolygons(LabelMap(width: 0, height: 0)))).features.isEmpty)
    #expect(GeoJSON.crsName(epsg: 4326) == nil)
  }

  /// More than is handed to the file at once.
  @Test func aLargeFile() throws {
    let map = LabelMap.random(width: 260, height: 200, classes: 4, seed: 4)
    let polygons = RegionPolygons(map)
    for feature in GeoJSON.Feature.allCases {
      let form = GeoJSON(feature: feature)
      let bytes = try form.bytes(polygons)
      #expect(bytes.count > 1 << 20)
      try withTemporaryFolder { folder in
        try form.write(polygons, to: folder + "/map.geojson")
        #expect(try Data(contentsOf: URL(filePath: folder + "/map.geojson")) == Data(bytes))
        #expect(try names(in: folder) == ["map.geojson"])
      }
      let document = try decode(bytes)
      #expect(document.features.flatMap(\.geometry.polygons).count == polygons.count)
    }
  }

  @Test func transformsThatGiveNoCoordinates() throws {
    let polygons = RegionPolygons(map)
    var line = PixelTransform.identity
    line.yPerRow = 0
    var infinite = PixelTransform.identity
    infinite.originX = .infinity
    var undefined = PixelTransform.identity
    undefined.xPerRow = .nan
    for transform in [line, infinite, undefined] {
      #expect { try GeoJSON(transform: transform).bytes(polygons) } throws: { error in
        guard case .transform? = error as? GeoJSONError else { return false }
        return true
      }
    }
    try withTemporaryFolder { folder in
      #expect(throws: GeoJSONError.self) { try GeoJSON(transform: line).write(polygons, to: folder + "/a.geojson") }
      #expect { try GeoJSON().write(polygons, to: folder) } throws: { error in
        guard case .file? = error as? GeoJSONError else { return false }
        return true
      }
      let left = try names(in: folder)
      #expect(left.isEmpty)
    }
  }
}
