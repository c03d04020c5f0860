import SegEngine
import SegIO
import SegModels
import TestSupport
import Testing

/// The weights in the library.
@Suite struct BundledWeightsTests {
  @Test func namesAreThoseOfTheRegistry() {
    #expect(BundledWeights.networks.contains(BundledWeights.defaultNetwork))
    for name in BundledWeights.networks { #expect(ModelRegistry.find(name) != nil) }
  }

  /// The masks that rembg's steps give with the same network in ONNX Runtime. They differ in the last resizing, Lanczos or linear, and in
  /// weights rounded to half precision: a few pixels along the border.
  @Test(arguments: ["astronaut", "chelsea", "coffee"]) func masksAreThoseOfTheONNXFile(_ name: String) throws {
    let predictor = try Predictor(named: BundledWeights.defaultNetwork)
    let image = try Image(
      contentsOf: TestSupport.Fixtures.directory.appending(path: "../../Examples/photos/\(name).jpg").path)
    let mask = try LabelMap(contentsOf: TestSupport.Fixtures.url("u2netp/\(name).png").path)
    let labels = try predictor(image).labels
    let (same, both, any) = zip(labels.labels, mask.labels).reduce(into: (0, 0, 0)) { counts, pixel in
      let (a, b) = (pixel.0 > 0, pixel.1 > 0)
      if a == b { counts.0 += 1 }
      if a && b { counts.1 += 1 }
      if a || b { counts.2 += 1 }
    }
    #expect(Double(same) > 0.995 * Double(labels.labels.count))
    #expect(Double(both) > 0.99 * Double(any))
    #expect(both > labels.labels.count / 10)
  }

  /// A test image of mnfinder, 16 bits in dim light, against its hand-drawn masks; at any exposure.
  @Test(arguments: [Float(1), 8, 0.5]) func nucleiAreFound(_ exposure: Float) throws {
    let folder = TestSupport.Fixtures.directory.appending(path: "../../Examples/nuclei").path
    let stored = try Image(contentsOf: folder + "/cells.tif")
    guard case .uint16(let samples) = stored.samples else {
      Issue.record("the image has other samples")
      return
    }
    let image = Image(
      width: stored.width, height: stored.height, layout: .grey,
      samples: .uint16(samples.map { UInt16(min(65535, Float($0) * exposure)) }))
    let prediction = try Predictor(named: "nuclei-unet")(image).labels
    var matrix = ConfusionMatrix(classes: 3)
    try matrix.add(prediction: prediction, truth: LabelMap(contentsOf: folder + "/mask.png"))
    #expect((matrix.iou(1) ?? 0) > 0.85, "\(matrix.iou(1) ?? 0)")
    #expect((matrix.iou(2) ?? 0) > 0.4, "\(matrix.iou(2) ?? 0)")
  }

  @Test func otherClassesNeedWeights() {
    #expect(throws: NetworkError.self) { try Predictor(named: "u2netp", classes: 3) }
    #expect(throws: NetworkError.self) { try Predictor(named: "unet") }
  }
}
