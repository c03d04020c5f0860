import Foundation
import SegIO
import Testing

/// Writes the documents that `Tests/Parity/results.py` reads with other libraries. It runs where the environment variable
/// `SEG_RESULTS` names the folder with the script's label maps.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SEG_RESULTS"] != nil)) struct ResultsParityTests {
  private struct Task: Decodable {
    let maps, names: [String]
    let tolerances, transform: [Double]
    let epsg: Int
  }

  @Test func writeDocuments() throws {
    let folder = try #require(ProcessInfo.processInfo.environment["SEG_RESULTS"])
    let task = try JSONDecoder().decode(Task.self, from: Data(contentsOf: URL(filePath: folder + "/task.json")))
    let numbers = task.transform
    let transform = PixelTransform(
      originX: numbers[0], xPerColumn: numbers[1], xPerRow: numbers[2], originY: numbers[3], yPerColumn: numbers[4],
      yPerRow: numbers[5])
    var document = COCODocument(names: task.names, leavingOut: [0])
    for name in task.maps {
      let map = try LabelMap(contentsOf: "\(folder)/\(name).npy")
      document.add(map, fileName: "\(name).npy")
      for (index, tolerance) in task.tolerances.enumerated() {
        let polygons = RegionPolygons(map, tolerance: tolerance)
        try GeoJSON(feature: .regions, names: task.names).write(polygons, to: "\(folder)/\(name).\(index).regions.json")
        try GeoJSON(names: task.names, transform: transform, crsName: GeoJSON.crsName(epsg: task.epsg))
          .write(polygons, to: "\(folder)/\(name).\(index).classes.json")
      }
    }
    try document.write(to: folder + "/coco.json")
  }
}
