import Foundation
import SegEngine
import SegIO
import Testing

/// What `seg segment` makes of files whose outputs mean different things, and what it says of them.
struct ONNXSegmentationTests {
  private struct Report: Decodable {
    struct Entry: Decodable { let mask: String }
    let images: [Entry]
    let assumptions: [String]
  }

  private static func fixture(_ name: String) -> String { Repository.path("Tests/Fixtures/segmentation/" + name) }

  private func segment(_ network: String, _ options: String...) throws -> (Program.Result, Report, LabelMap) {
    let folder = try Folder()
    let result = try seg(
      ["segment", Self.fixture("picture.png"), "--model", Self.fixture(network), "-o", folder.path("o"), "--json"]
        + options)
    let report: Report = try result.json()
    return (result, report, try LabelMap(contentsOf: report.images[0].mask))
  }

  @Test func whatIsProvenIsNotSaid() throws {
    let (result, report, labels) = try segment("sigmoid-cast-squeeze.onnx", "--mean", "0", "--deviation", "1")
    expectSuccess(result)
    #expect(report.assumptions == [] && Set(labels.labels) == [0, 1])
  }

  @Test func whatIsAssumedIsSaidOnceAndInJSON() throws {
    let (result, report, _) = try segment("logits.onnx", "--mean", "0", "--deviation", "1")
    #expect(result.exitCode == 0 && report.assumptions.count == 1)
    #expect(result.errorLines == report.assumptions.map { "seg: " + $0 })
    #expect(report.assumptions[0].contains("logits") && report.assumptions[0].contains("--output-kind"))
    let (other, named, _) = try segment("logits.onnx", "--mean", "0", "--deviation", "1", "--output-kind", "logits")
    expectSuccess(other)
    #expect(named.assumptions == [])
  }

  @Test func preparationThatNobodyStatesIsSaid() throws {
    let (result, report, _) = try segment("softmax.onnx")
    #expect(result.exitCode == 0 && report.assumptions.count == 1 && report.assumptions[0].contains("ImageNet"))
  }

  @Test func settingsWithUnknownKeysAreErrors() throws {
    let folder = try Folder()
    try FileManager.default.copyItem(atPath: Self.fixture("sigmoid.onnx"), toPath: folder.path("net.onnx"))
    for (json, words) in [
      (#"{"outptu": "logits"}"#, ["outptu", "output", "net.json"]), (#"{"Mean": [0]}"#, ["Mean"]),
      (#"{"threshold": "0.5"}"#, ["threshold"]), (#"{"size": [0, 4]}"#, ["size"]),
      (#"{"layout": "hcw"}"#, ["layout", "hcw"]),
      (#"{"resampling": "cubic"}"#, ["resampling", "cubic"]), ("[1]", ["JSON"]),
    ] {
      try Data(json.utf8).write(to: URL(filePath: folder.path("net.json")))
      expectFailure(
        try seg("segment", Self.fixture("picture.png"), "--model", folder.path("net.onnx"), "-o", folder.path("o")), 65,
        words)
    }
  }

  @Test func outputsAreChosenByName() throws {
    let folder = try Folder()
    expectFailure(
      try seg(
        "segment", Self.fixture("picture.png"), "--model", Self.fixture("scores-first.onnx"), "-o", folder.path("o"),
        "--output-name", "nothing"), 64, ["nothing"])
  }

  @Test func inspectSaysHowAFileSegments() throws {
    let result = try seg("onnx", "inspect", Self.fixture("nhwc-nchw.onnx"), "--size", "64")
    expectSuccess(result)
    #expect(result.output.contains("segments images: nhwc, 3 channels, any size; output"))
  }

  #if os(Linux)
  @Test(arguments: [180_000, 260_000, 400_000]) func tooLittleAddressSpaceIsSaid(_ kilobytes: Int) throws {
    // OpenBLAS would try for ever to map its buffers.
    let result = try Program.run(
      URL(filePath: "/bin/sh"),
      ["-c", "ulimit -v \(kilobytes); exec \"$0\" --version", Repository.products.appending(path: "seg").path],
      seconds: 30)
    #expect(result.exitCode == 0 || result.exitCode == 65 && result.errors.contains("memory"), "\(result)")
  }
  #endif
}
