import Foundation
import SegEngine
import SegIO
import SegModels
import TestSupport
import Testing

/// `seg models`, `summary`, `run` and `bench`, help and version.
@Suite struct InformationTests {
  @Test func modelsListsTheRegistry() throws {
    struct Entry: Decodable {
      let family, name, summary: String
      let height, width, classes, parameters, macs: Int
      let strides: [Int]
      let receptiveField: Int?
      let auxiliaryOutputs: [String]
    }
    let result = try seg("models", "--json")
    expectSuccess(result)
    let entries: [Entry] = try result.json()
    #expect(entries.map(\.name) == ModelRegistry.all.map(\.name))
    // The published size of the checkpoint without its running statistics (2 · 640) and step counters (10).
    let pupil = try #require(entries.first { $0.name == "pupil-unet" })
    #expect(pupil.parameters == 468_621 - 1280 - 10)
    #expect((pupil.height, pupil.width, pupil.classes) == (148, 148, 2))
    #expect(entries.allSatisfy { $0.macs > 0 && !$0.summary.isEmpty && !$0.strides.isEmpty })
    #expect(
      entries.map(\.family) == ModelRegistry.families.flatMap { family in family.models.map { _ in family.name } })
    // Without its auxiliary head, as published.
    let fcn = try #require(entries.first { $0.name == "fcn-resnet50" })
    #expect(fcn.parameters == 32_957_013 && fcn.auxiliaryOutputs == ["aux"] && fcn.strides == [2, 4, 8, 8, 8])
    // FCN on VGG-16: table 1 of the paper.
    #expect(entries.first { $0.name == "fcn8s-vgg16" }?.receptiveField == 404)
    #expect(entries.first { $0.name == "lraspp-mobilenet-v3-large" }?.receptiveField == nil)
    let text = try seg("models")
    expectSuccess(text)
    for entry in entries { #expect(text.output.contains("\n\(entry.name) ")) }
    #expect(text.output.contains("467,331"))
  }

  /// The README's table is what the program prints (`make readme`).
  @Test func theReadmeHasTheTable() throws {
    let result = try seg("models", "--markdown")
    expectSuccess(result)
    let readme = try String(contentsOf: Fixtures.directory.appending(path: "../../README.md"), encoding: .utf8)
    #expect(readme.contains("<!-- models:begin -->\n\(result.output)<!-- models:end -->"))
    for model in ModelRegistry.all { #expect(result.output.contains("| `\(model.name)` |")) }
  }

  @Test(arguments: ModelRegistry.all.map(\.name)) func summaryIsThatOfTheGraph(_ name: String) throws {
    struct Report: Decodable {
      struct Layer: Decodable {
        let name, operation: String
        let outputShape: [Int]
        let parameters, macs: Int
      }
      let model: String
      let layers: [Layer]
      let parameters, trainableParameters, macs, flops: Int
    }
    let result = try seg("summary", name, "--size", "64x96", "--json")
    expectSuccess(result)
    let report: Report = try result.json()
    let summary = try GraphSummary(try #require(ModelRegistry.find(name)).makeGraph(Extent2D(height: 64, width: 96)))
    #expect(report.model == name)
    #expect(report.parameters == summary.parameterCount)
    #expect(report.trainableParameters == summary.trainableParameterCount)
    #expect(report.macs == summary.total.macs && report.flops == summary.total.flops)
    #expect(report.layers.map(\.name) == summary.layers.map(\.name))
    // The layers add up to the whole, and the last one is as large as the input.
    #expect(report.layers.reduce(0) { $0 + $1.macs } == report.macs)
    #expect(report.layers.last.map { Array($0.outputShape[1...2]) } == [64, 96])
    let text = try seg("summary", name, "--size", "64x96")
    expectSuccess(text)
    #expect(text.output.contains(String(format: "%.3f GMAC", Double(report.macs) / 1e9)))
  }

  @Test func aSizeIsHeightAndWidthOrBoth() throws {
    struct Report: Decodable {
      struct Layer: Decodable { let outputShape: [Int] }
      let layers: [Layer]
    }
    for (text, size) in [("64", [64, 64]), ("32x80", [32, 80]), ("32×80", [32, 80])] {
      let report: Report = try seg("summary", "unet", "--size", text, "--json").json()
      #expect(report.layers.first.map { Array($0.outputShape[1...2]) } == size)
    }
  }

  /// Arrays in and out, in both orders of axes, with and without optimisation, equal to the library and to each other.
  @Test func runIsTheLibrary() throws {
    let folder = try Folder()
    let graph = try UNet.pupil.graph(size: 148)
    let model = try Model(graph, parameters: Parameters(contentsOf: Repository.weights))
    var generator = SeededGenerator(seed: 8)
    let input = Tensor(
      [2, 37, 44, 1], (0..<2 * 37 * 44).map { _ in Float.random(in: 0..<1, using: &generator) })
    let wanted = try #require(try model.run(["image": input])["logits"])
    #expect(wanted.shape == [2, 37, 44, 1])
    try NPZ(["image": input]).write(to: folder.path("nhwc.npz"))
    try NPZ(["anything": input.transposed([0, 3, 1, 2])]).write(to: folder.path("nchw.npz"))
    for layout in ["nhwc", "nchw"] {
      let output = folder.path("\(layout)-out.npz")
      let result = try seg(
        "run", "pupil-unet", "--weights", Repository.weights, "--input", folder.path("\(layout).npz"), "--output",
        output, "--layout", layout)
      expectSuccess(result)
      #expect(result.output == "")
      let arrays = try NPZ(contentsOf: output).arrays
      #expect(arrays.keys.sorted() == ["logits"])
      let logits = try #require(arrays["logits"])
      #expect((layout == "nhwc" ? logits : logits.transposed([0, 2, 3, 1])) == wanted)
    }
    let output = folder.path("plain.npz")
    expectSuccess(
      try seg(
        "run", "pupil-unet", "--weights", Repository.weights, "--input", folder.path("nhwc.npz"), "--output", output,
        "--unoptimized"))
    let plain = try #require(try NPZ(contentsOf: output).arrays["logits"]).elements(of: Float.self)
    let reference = wanted.elements(of: Float.self)
    let largest = reference.reduce(0) { max($0, abs($1)) }
    // Folding batch normalisation rounds each weight once more.
    #expect(zip(plain, reference).allSatisfy { abs($0 - $1) <= 1e-5 * largest })
    #expect(
      try folder.contents().keys.sorted() == ["nchw-out.npz", "nchw.npz", "nhwc-out.npz", "nhwc.npz", "plain.npz"])
  }

  @Test func benchMeasures() throws {
    struct Report: Decodable {
      struct Layer: Decodable {
        let name, operation, algorithm: String
        let output: [Int]
        let milliseconds: Double
      }
      let model, backend: String
      let height, width, threads, rounds, arenaBytes, peakBytes: Int
      let medianMilliseconds, minimumMilliseconds, firstRunMilliseconds, gigaflopsPerSecond: Double
      let layers: [Layer]?
    }
    let result = try seg(
      "bench", "pupil-unet", "--size", "40x56", "--rounds", "3", "--threads", "1", "--json", "--layers", "--weights",
      Repository.weights)
    expectSuccess(result)
    let report: Report = try result.json()
    #expect(report.model == "pupil-unet" && !report.backend.isEmpty)
    #expect((report.height, report.width, report.threads, report.rounds) == (40, 56, 1, 3))
    #expect(report.minimumMilliseconds > 0 && report.medianMilliseconds >= report.minimumMilliseconds)
    #expect(report.firstRunMilliseconds > 0 && report.gigaflopsPerSecond > 0)
    #expect(report.arenaBytes > 40 * 56 * 4 && report.peakBytes > report.arenaBytes)
    let layers = try #require(report.layers)
    #expect(layers.count > 10 && layers.allSatisfy { $0.milliseconds >= 0 && !$0.operation.isEmpty })
    #expect(layers.contains { $0.milliseconds > 0 } && layers.last?.output == [1, 40, 56, 1])
    let text = try seg("bench", "pupil-unet", "--size", "32", "--rounds", "2", "--layers")
    expectSuccess(text)
    #expect(text.output.contains("over 2 rounds") && text.output.contains("Conv"))
  }

  @Test func benchServes() throws {
    struct Readiness: Decodable {
      let firstRunMilliseconds: Double
      let baselineBytes, peakBytes: Int
    }
    struct Turn: Decodable {
      let medianMilliseconds: Double
      let milliseconds: [Double]
    }
    let folder = try Folder()
    try NPZ(["image": Tensor(zeros: [1, 1, 40, 56])]).write(to: folder.path("in.npz"))
    let arguments = [
      "bench", "pupil-unet", "--size", "40x56", "--weights", Repository.weights, "--input", folder.path("in.npz"),
      "--layout", "nchw",
    ]
    let result = try seg(arguments + ["--serve"], input: "1\n4\n")
    expectSuccess(result)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let lines = result.output.split(separator: "\n").map { Data($0.utf8) }
    #expect(lines.count == 3)
    let ready = try decoder.decode(Readiness.self, from: lines[0])
    #expect(ready.firstRunMilliseconds > 0 && ready.baselineBytes > 0 && ready.peakBytes > ready.baselineBytes)
    let turns = try lines.dropFirst().map { try decoder.decode(Turn.self, from: $0) }
    #expect(turns.map(\.milliseconds.count) == [1, 4])
    for turn in turns {
      let sorted = turn.milliseconds.sorted()
      #expect(sorted[0] > 0)
      #expect(turn.medianMilliseconds == (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2)
    }
    // What is no number of runs is said, and so is an input that is not the network's.
    for line in ["0", "-1", "two", ""] {
      expectFailure(try seg(arguments + ["--serve"], input: line + "\n"), 65, ["standard input"])
    }
    expectFailure(try seg(arguments.dropLast(2) + ["--rounds", "1"]), 65, ["in.npz", "image"])
    expectFailure(try seg(arguments + ["--serve", "--layers"]), 64, ["--serve"])
  }

  @Test func threadsAreTheCallersChoice() throws {
    struct Report: Decodable { let threads: Int }
    func threads(_ arguments: [String], _ environment: [String: String]) throws -> Int {
      try seg(
        ["bench", "pupil-unet", "--size", "32", "--rounds", "1", "--json"] + arguments, environment: environment
      ).json(Report.self).threads
    }
    #expect(try threads([], ["SEG_NUM_THREADS": "1"]) == 1)
    #expect(try threads([], ["SEG_NUM_THREADS": "3"]) == 3)
    #expect(try threads(["--threads", "2"], ["SEG_NUM_THREADS": "3"]) == 2)
    let standard = try threads([], [:])
    #expect(standard >= 1)
    #expect(try threads([], ["SEG_NUM_THREADS": ""]) == standard)
    for text in ["0", "-1", "many"] {
      expectFailure(
        try seg("bench", "pupil-unet", "--size", "32", environment: ["SEG_NUM_THREADS": text]), 64,
        ["SEG_NUM_THREADS", text])
      // A number on the command line counts instead.
      #expect(try threads(["--threads", "2"], ["SEG_NUM_THREADS": text]) == 2)
    }
  }

  @Test func helpAndVersionGoToStandardOutput() throws {
    let commands = ["segment", "evaluate", "models", "summary", "run", "bench"]
    let help = try seg("--help")
    expectSuccess(help)
    for command in commands { #expect(help.output.contains("\n  \(command) ")) }
    for code in ["64", "65", "66", "70", "73"] { #expect(help.output.contains(code)) }
    for command in commands {
      let help = try seg(command, "--help")
      expectSuccess(help)
      #expect(help.output.contains("USAGE: seg \(command)"))
    }
    let version = try seg("--version")
    expectSuccess(version)
    #expect(version.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    let bare = try seg()
    #expect(bare.exitCode == 0 && bare.output == help.output)
  }
}
