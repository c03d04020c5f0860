import Foundation
import SegEngine
import SegIO
import SegModels
import TestSupport
import Testing

@testable import seg

/// `seg estimate` and `seg design`, with the profile of a machine of two cores with AVX2.
@Suite struct EstimateTests {
  private static let profile = Repository.path("Tests/Fixtures/profiles/avx2-2-threads.json")
  private let folder: Folder

  init() throws { folder = try Folder() }

  private struct Estimate: Decodable {
    struct Layer: Decodable {
      let name, operation, algorithm: String
      let milliseconds: Double
    }
    let model: String
    let inputs: [[Int]]
    let threads: Int
    let milliseconds: Double
    let arenaBytes, packedWeightBytes, peakBytes: Int
    let layers: [Layer]?
    let stateBytes: Int?
  }

  private func estimate(_ arguments: String...) throws -> Estimate {
    let result = try seg(["estimate"] + arguments + ["--profile", Self.profile, "--json"])
    expectSuccess(result)
    return try result.json()
  }

  @Test func estimatesNetworksByName() throws {
    let small = try estimate("unet", "--size", "64", "--layers")
    let large = try estimate("unet", "--size", "128x128")
    #expect(small.threads == 2 && small.inputs == [[1, 64, 64, 3]] && large.layers == nil)
    #expect(large.milliseconds > small.milliseconds && small.milliseconds > 0)
    #expect(large.arenaBytes > small.arenaBytes && large.peakBytes > large.packedWeightBytes)
    let layers = try #require(small.layers)
    #expect(abs(layers.reduce(0) { $0 + $1.milliseconds } - small.milliseconds) < 1e-6 * small.milliseconds)
    #expect(layers.allSatisfy { $0.milliseconds > 0 })
    let one = try estimate("unet", "--size", "64", "--threads", "1")
    #expect(one.threads == 1 && one.milliseconds > small.milliseconds)
    let text = try seg("estimate", "enet", "--size", "64", "--profile", Self.profile, "--layers")
    expectSuccess(text)
    #expect(text.output.contains("about") && text.output.contains("arena"))
  }

  /// A network whose weights are gigabytes is told in seconds and little memory: none are made.
  @Test func estimatesLargeNetworksWithoutTheirWeights() throws {
    let result = try estimate("segmenter-l-mask", "--size", "640")
    #expect(result.packedWeightBytes > 1_200_000_000)
  }

  @Test func estimatesFiles() throws {
    let result = try estimate(Repository.path("Tests/Fixtures/onnx/decoder.onnx"), "--size", "32")
    #expect(result.milliseconds > 0 && result.model == "decoder.onnx")
  }

  @Test func estimatesTrainingSteps() throws {
    let name = "deeplabv3-mobilenet-v3-large"
    let inference = try estimate(name, "--size", "64")
    let one = try estimate(name, "--size", "64", "--training", "--batch", "2")
    let four = try estimate(name, "--size", "64", "--training", "--batch", "4")
    let heads = try estimate(name, "--size", "64", "--training", "--batch", "2", "--auxiliary")
    let small = try estimate(name, "--size", "64", "--training", "--batch", "2", "--budget", "1")
    #expect(inference.stateBytes == nil && one.inputs.contains([2, 64, 64, 3]) && one.inputs.contains([2, 64, 64]))
    #expect(inference.milliseconds < one.milliseconds && one.milliseconds < four.milliseconds)
    #expect(one.milliseconds < heads.milliseconds && small.arenaBytes < one.arenaBytes)
    // Weights, running statistics and momenta are float32; the number of steps is another one.
    let graph = try #require(ModelRegistry.find(name)).makeGraph(Extent2D(64))
    let (statistics, weights) = graph.parameters.reduce(into: (0, 0)) { counts, info in
      if info.name.contains("running_") {
        counts.0 += info.spec.shape.elementCount
      } else {
        counts.1 += info.spec.shape.elementCount
      }
    }
    // Dropout has a seed of two numbers.
    #expect(one.stateBytes == 4 * (statistics + 2 * weights + 1 + 2))
    let file = Repository.path("Tests/Fixtures/onnx/decoder.onnx")
    expectFailure(try seg("estimate", file, "--training", "--profile", Self.profile), 64, ["--training", "by name"])
    expectFailure(
      try seg("estimate", "unet", "--batch", "2", "--profile", Self.profile), 64, ["--batch", "--training"])
    expectFailure(
      try seg("estimate", "unet", "--training", "--batch", "0", "--profile", Self.profile), 64, ["a batch has images"])
  }

  @Test func whatCannotBeEstimatedIsSaid() throws {
    let missing = folder.path("none.json")
    expectFailure(try seg("estimate", "unet", "--profile", missing), 66, [missing])
    // No profile of this machine.
    let bare = try seg(
      ["estimate", "unet"], environment: ["XDG_CACHE_HOME": folder.path("cache"), "HOME": folder.path("home")])
    expectFailure(bare, 66, ["seg calibrate"])
    let text = try folder.add("text.json", Array("not JSON".utf8))
    expectFailure(try seg("estimate", "unet", "--profile", text), 65, [text])
    // A profile that says how algorithms are chosen and no more.
    let choice = folder.path("choice.json")
    let stored = try StoredProfile(contentsOf: Self.profile)
    try StoredProfile(backend: stored.backend, threads: 2, profile: stored.profile).write(to: choice)
    expectFailure(try seg("estimate", "unet", "--profile", choice), 65, [choice, "seg calibrate"])
    expectFailure(try seg("estimate", "no-such-network", "--profile", Self.profile), 64, ["no-such-network"])
    expectFailure(try seg("estimate", "unet", "--size", "0", "--profile", Self.profile), 64, ["size"])
  }

  // MARK: Design

  private struct Design: Decodable {
    struct Network: Decodable {
      let family, choices: String
      let height, width, peakBytes, parameters, outputStride: Int
      let milliseconds: Double
    }
    struct Check: Decodable {
      let design: Network
      let measuredMilliseconds: Double
    }
    let searched: Int
    let front, best: [Network]
    let checks: [Check]
  }

  @Test func designsKeepTheirBudget() throws {
    let result = try seg(
      "design", "--max-latency", "30ms", "--max-memory", "0.1GB", "--size", "128x96", "--families", "enet,fast-scnn",
      "--classes", "4", "--profile", Self.profile, "--json")
    expectSuccess(result)
    let design: Design = try result.json()
    #expect(design.searched > 10 && !design.front.isEmpty)
    #expect(design.front.allSatisfy { $0.milliseconds <= 30 && $0.peakBytes <= 100_000_000 })
    #expect(design.front.allSatisfy { ["enet", "fast-scnn"].contains($0.family) })
    #expect(design.front.map(\.milliseconds) == design.front.map(\.milliseconds).sorted())
    #expect(Set(design.best.map(\.family)).count == design.best.count)
    let isOwn = OpenBLASBackend().instructionSet == "avx2"
    #expect(design.checks.count == (isOwn ? design.best.count : 0))
    #expect(design.checks.allSatisfy { $0.measuredMilliseconds > 0 })
    let text = try seg(
      "design", "--max-latency", "1s", "--max-memory", "500MB", "--size", "64", "--families", "lraspp", "--limit", "1",
      "--no-check", "--profile", Self.profile)
    expectSuccess(text)
    #expect(text.output.contains("lraspp"))
    let none = try seg(
      "design", "--max-latency", "0.001ms", "--max-memory", "1KB", "--size", "64", "--families", "enet", "--profile",
      Self.profile)
    expectSuccess(none)
    #expect(none.output.contains("0 on the front"))
  }

  @Test(arguments: [
    ["--max-latency", "40"], ["--max-latency", "-1ms"], ["--max-latency", "nans"], ["--max-memory", "300"],
    ["--max-memory", "1e300GB"], ["--max-memory", "MB"], ["--size", "8"], ["--size", "5000"],
    ["--families", "unet,none"],
    ["--families", ","], ["--classes", "0"], ["--limit", "0"],
  ]) func wrongUsageOfDesign(_ change: [String]) throws {
    var options = ["--max-latency": "40ms", "--max-memory": "300MB", "--size": "64", "--families": "enet"]
    options[change[0]] = change[1]
    let arguments = options.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
    expectFailure(
      try seg(["design"] + arguments + ["--profile", Self.profile, "--no-check"]), 64, [String(change[0].dropFirst(2))])
  }
}
