import ArgumentParser
import Foundation
import SegEngine
import SegIO
import SegModels

/// Writes the pages of docs/complexity and docs/performance.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes what the formulas of complexity say, and how exact the model of latency is, as Markdown and SVG.",
    discussion: """
      Writes README.md and its pictures. With an image and weights it also draws what the middle pixel of a network's output sees. \
      `seg-bench site` makes HTML of them.

      With --performance it also writes latency.md and its pictures into another directory, from the file latency.json there, which \
      `seg-bench latency` writes, and from a search for networks within a budget, of which the best are run.

      Example: seg-bench report docs/complexity --image eye.png --model pupil-unet --weights pupil-unet.safetensors \
      --performance docs/performance
      """)

  @Argument(help: "The directory to write to; made where it is not there.") var directory: String
  @Option(help: "The directory of the part on time; latency.json is there.") var performance: String?
  @Option(help: "A profile that `seg calibrate` wrote; by default this machine's.") var profile: String?
  @Option(help: "Threads; by default as many as there are processors.") var threads: Int?
  @Option(help: "The image over which receptive fields are drawn.") var image: String?
  @Option(help: "The named network whose receptive field is drawn.") var model = "pupil-unet"
  @Option(help: "Its weights.") var weights: String?
  @Option(help: "Side of the square of the network's input that is drawn, in pixels.") var fieldSide = 72

  /// The search budget of the latency page.
  private static let budget = DesignSearch.Budget(seconds: 0.1, byteCount: 400_000_000)

  func validate() throws {
    if (image == nil) != (weights == nil) { throw ValidationError("--image and --weights go together") }
    if !(8...512).contains(fieldSide) { throw ValidationError("--field-side is 8 to 512, not \(fieldSide)") }
  }

  func run() throws {
    if let performance {
      let report = try performanceReport(in: performance)
      try write(
        report.markdown, pictures: Dictionary(uniqueKeysWithValues: report.pictures), as: "latency.md", in: performance)
    }
    let report = try ComplexityReport(field: fieldPicture())
    try write(report.markdown, pictures: report.pictures, as: "README.md", in: directory)
  }

  private func fieldPicture() throws -> ReceptiveFieldPicture? {
    guard let image, let weights else { return nil }
    guard let description = ModelRegistry.find(model) else {
      throw ValidationError("there is no network named \(model)")
    }
    return try ReceptiveFieldPicture(
      of: description, weights: Checkpoint(contentsOf: weights), image: Image(contentsOf: image), side: fieldSide)
  }

  private func performanceReport(in folder: String) throws -> PerformanceReport {
    let record = try LatencyRecord(contentsOf: "\(folder)/latency.json")
    let workers = threads.map { WorkerPool(threads: $0) } ?? .shared
    let path = profile ?? StoredProfile.defaultPath(threads: workers.threadCount)
    guard let latency = try StoredProfile(contentsOf: path).latency else {
      throw ValidationError("\(path) has no model of latency: run seg calibrate")
    }
    var backend = OpenBLASBackend(workers: workers)
    if threads == nil, profile != nil, let model = latency.models.last {
      backend = OpenBLASBackend(workers: WorkerPool(threads: model.threads))
    }
    let search = try DesignSearch(
      DesignSpace.designs(of: DesignSpace.families, size: 512, classes: 21), within: Self.budget, by: latency,
      on: backend)
    let options = CompileOptions(profile: latency.choice)
    let checks = try search.best.map { rated in
      (rated, try Self.seconds(of: rated.design.makeGraph(), on: backend, options: options))
    }
    return PerformanceReport(
      record: record, search: search,
      searchTitle: "512×512 images, 100 ms, 400 MB, \(backend.workers.threadCount) threads", checks: checks)
  }

  /// Measures the lower quartile of the run times of a network with random weights.
  private static func seconds(of graph: Graph, on backend: any Backend, options: CompileOptions) throws -> Double {
    let model = try graph.compiled(parameters: Parameters(repeatingNumbersFor: graph), on: backend, options: options)
    let inputs = model.inputs.map { Tensor($0.spec.shape, repeating: Float(0.5)) }
    return try model.runSeconds(inputs, lasting: 0.3).lowerQuartile
  }

  /// Writes a page with its pictures.
  private func write(_ markdown: String, pictures: [String: String], as page: String, in folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var files = pictures
    files[page] = markdown
    for (name, text) in files {
      try Data(text.utf8).write(to: URL(filePath: folder).appending(path: name), options: .atomic)
    }
  }
}
