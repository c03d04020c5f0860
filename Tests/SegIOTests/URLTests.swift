import Foundation
import SegEngine
import SegIO
import SegModels
import TestSupport
import Testing

/// Readers and writers that take the URL of a file.
@Suite final class URLTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "seg-url ü-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func file(_ name: String) -> (url: URL, path: String) {
    let url = folder.appending(path: name)
    return (url, url.path(percentEncoded: false))
  }

  private let tensor = Tensor([2, 3], [1, 2, 3, 4, 5, 6] as [Float])

  @Test(arguments: ["w ü.safetensors", "w%20.npz"]) func weights(_ name: String) throws {
    let (url, path) = file(name)
    try Parameters(["a": tensor]).write(to: url)
    let read = [
      try Parameters(contentsOf: path), try Parameters(contentsOf: url),
    ]
    for parameters in read { #expect(parameters.tensors["a"]?.elements(of: Float.self) == [1, 2, 3, 4, 5, 6]) }
    #expect(try Checkpoint(contentsOf: url).stateDictionaries.count == 1)
  }

  @Test func arrays() throws {
    let (url, path) = file("a.npy")
    try tensor.writeNPY(to: url)
    #expect(try Tensor(npyFile: url).elements(of: Float.self) == [1, 2, 3, 4, 5, 6])
    #expect(try Tensor(npyFile: path).shape == [2, 3])
    let archive = file("a.npz").url
    try NPZ(["x": tensor]).write(to: archive, compressed: true)
    #expect(try NPZ(contentsOf: archive).arrays["x"]?.shape == [2, 3])
    let safetensors = file("a.safetensors").url
    try Safetensors(["x": tensor]).write(to: safetensors)
    #expect(try Safetensors(contentsOf: safetensors).tensors["x"]?.shape == [2, 3])
  }

  @Test func images() throws {
    let (url, path) = file("image.png")
    let image = Image(width: 2, height: 1, layout: .grey, samples: .uint8([7, 9]))
    try image.writePNG(to: url)
    #expect(try Image(contentsOf: url) == image)
    #expect(try Image.reading(contentsOf: url).image == image)
    #expect(try Image(contentsOf: path) == image)
    let mask = file("mask.png").url
    let labels = LabelMap(width: 2, height: 1, labels: [3, 0])
    try labels.writePNG(to: mask)
    #expect(try LabelMap(contentsOf: mask) == labels)
    #expect(try LabelMap.reading(contentsOf: mask).labels == labels)
    let colors = file("colors.txt").url
    try Data("#000000\n#ff0000\n".utf8).write(to: colors)
    #expect(try LabelColors(contentsOf: colors) == LabelColors(contentsOf: colors.path(percentEncoded: false)))
  }

  @Test func results() throws {
    let labels = LabelMap(width: 2, height: 1, labels: [3, 0])
    let polygons = RegionPolygons(labels)
    let (url, path) = file("map ü.geojson")
    try GeoJSON().write(polygons, to: url)
    #expect(try FileManager.default.contents(atPath: path) == Data(GeoJSON().bytes(polygons)))
    var document = COCODocument()
    document.add(labels, fileName: "a.png")
    try document.write(to: url)
    #expect(FileManager.default.contents(atPath: path) == Data(document.jsonBytes()))
    var table = ClassAreaTable()
    table.add(ClassAreas(labels), image: "a.png")
    try table.write(to: url)
    #expect(FileManager.default.contents(atPath: path) == Data(table.csv.utf8))
  }

  @Test func dataSets() throws {
    for name in ["images/a.png", "masks/a.png"] {
      let url = folder.appending(path: name)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try LabelMap(width: 1, height: 1, labels: [0]).writePNG(to: url)
    }
    let pairs = try LabelledImages(
      images: folder.appending(path: "images"), masks: folder.appending(path: "masks")
    ).pairs
    #expect(pairs.map(\.name) == ["a"])
  }

  @Test func networks() throws {
    let url = TestSupport.Fixtures.url("onnx/decoder.onnx")
    #expect(try ONNXModel(contentsOf: url).opset == ONNXModel(contentsOf: url.path).opset)
    let shapes: [String: Shape] = ["image": [1, 3, 32, 32]]
    #expect(
      try Graph(onnx: url, inputs: shapes).outputs.map(\.name)
        == Graph(onnx: url.path, inputs: shapes).outputs.map(\.name))
    let settings = file("net.json").url
    try Data(#"{"threshold": 0.25}"#.utf8).write(to: settings)
    #expect(try PredictionSettings(contentsOf: settings).threshold == 0.25)
  }

  @Test func profiles() throws {
    let stored = try StoredProfile(contentsOf: TestSupport.Fixtures.url("profiles/avx2-2-threads.json"))
    let url = file("profile.json").url
    try stored.write(to: url)
    #expect(try StoredProfile(contentsOf: url) == stored)
  }

  /// A URL of the network names no file, whatever reads it.
  @Test func urlsOfTheNetworkAreRefused() throws {
    let url = try #require(URL(string: "https://example.org/weights.npz"))
    let expected = "https://example.org/weights.npz: is not the URL of a file"
    func message(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "no error"
      } catch {
        return "\(error)"
      }
    }
    #expect(message { _ = try Parameters(contentsOf: url) } == expected)
    #expect(message { try Parameters(["a": tensor]).write(to: url) } == expected)
    #expect(message { _ = try Image(contentsOf: url) } == expected)
    #expect(message { _ = try LabelColors(contentsOf: url) } == expected)
    #expect(message { try GeoJSON().write(RegionPolygons(LabelMap(width: 1, height: 1)), to: url) } == expected)
    #expect(message { try COCODocument().write(to: url) } == expected)
    #expect(message { try ClassAreaTable().write(to: url) } == expected)
    #expect(message { _ = try ONNXModel(contentsOf: url) } == expected)
    #expect(message { _ = try PredictionSettings(contentsOf: url) } == expected)
    #expect(message { _ = try StoredProfile(contentsOf: url) } == expected)
    #expect(message { _ = try LabelledImages(images: url, masks: url) } == expected)
  }
}
