import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// Measures the pipeline from an image to its labels: preprocessing, network and postprocessing, alternately.
struct Pipelines: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipelines",
    abstract: "From an image to its labels: preparation, network, and what the whole takes beyond these two, in turn.")

  @Argument(help: "Networks: names, or ONNX files.") var networks: [String]
  @Option(help: "The image; without one, random pixels of --size.") var image: String?
  @Option(help: "Width and height of the random image.") var size = "4000x3000"
  @Option(help: "Threads.") var threads = 2
  @Option(help: "Rounds.") var rounds = 7

  func run() throws {
    let image = try makeImage()
    for network in networks {
      let predictor = try makePredictor(network)
      let (input, _) = try predictor.preprocessing(image, on: predictor.model.backend.workers)
      var contest = Contest()
      contest.add("preparation") {
        _ = try? predictor.preprocessing(image, on: predictor.model.backend.workers)
      }
      contest.add("network") { _ = try? predictor.model(input) }
      contest.add("whole") { _ = try? predictor(image) }
      let outcomes = contest.run(rounds: rounds)
      let (preparation, alone, whole) = (outcomes[0].median, outcomes[1].median, outcomes[2].median)
      func milliseconds(_ seconds: Double) -> String { "\((1000 * seconds).formatted(1)) ms" }
      print(
        "\(network): \(image.width)×\(image.height), preparation \(milliseconds(preparation)), network "
          + "\(milliseconds(alone)), labels \(milliseconds(whole - preparation - alone)), whole \(milliseconds(whole))")
    }
  }

  private func makeImage() throws -> Image {
    if let image { return try Image(contentsOf: image) }
    let extents = size.split(separator: "x").compactMap { Int($0) }
    guard extents.count == 2, extents.allSatisfy({ $0 > 0 }) else { throw ValidationError("--size is WIDTHxHEIGHT") }
    var generator = SeededGenerator(seed: 5)
    return Image(
      width: extents[0], height: extents[1], layout: .rgb,
      samples: .uint8((0..<extents[0] * extents[1] * 3).map { _ in UInt8.random(in: 0...255, using: &generator) }))
  }

  private func makePredictor(_ network: String) throws -> Predictor {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    if network.hasSuffix(".onnx") { return try Predictor(contentsOf: network, on: backend) }
    guard let description = ModelRegistry.all.first(where: { $0.name == network }) else {
      throw ValidationError("there is no network \(network)")
    }
    let graph = try description.makeGraph(description.defaultSize)
    return Predictor(
      try Model(graph, parameters: Parameters(initializing: graph, seed: 1), on: backend), for: description)
  }
}
