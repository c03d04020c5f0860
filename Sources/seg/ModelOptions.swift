import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// Height and width on the command line, as `512x256` or `512`.
struct SizeArgument: ExpressibleByArgument {
  let extent: Extent2D

  init?(argument: String) {
    let parts = argument.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "x" || $0 == "×" })
      .map { Int($0) }
    guard (1...2).contains(parts.count), let height = parts[0], let width = parts[parts.count - 1],
      (1...65536).contains(height), (1...65536).contains(width)
    else { return nil }
    extent = Extent2D(height, width)
  }
}

/// The number of threads, for every command that computes.
struct ThreadOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Threads; by default SEG_NUM_THREADS, or as many as there are processors.", valueName: "count"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...WorkerPool.maximumThreadCount).contains(threads) {
      throw ValidationError("--threads is 1 to \(WorkerPool.maximumThreadCount), not \(threads)")
    }
  }

  var backend: OpenBLASBackend {
    OpenBLASBackend(workers: threads.map { WorkerPool(threads: $0) } ?? .shared)
  }
}

/// A network of the registry with its weights and the choices about images.
struct ModelOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The network's name; `seg models` lists them.", valueName: "name"))
  var model: String

  @Option(help: .weights)
  var weights: String

  @Option(
    help: ArgumentHelp(
      "The probability above which a network of one logit says foreground; by default the network's own.",
      valueName: "probability"))
  var threshold: Float?

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if let threshold, !(threshold > 0 && threshold < 1) {
      throw ValidationError("--threshold lies between 0 and 1, not \(threshold)")
    }
  }

  var description: ModelDescription { get throws { try findModel(model) } }

  func makePredictor() throws -> Predictor {
    let description = try description
    var postprocessing = description.postprocessing
    if let threshold {
      guard case .threshold = postprocessing else {
        throw Failure(
          .usage, "\(description.name) chooses the largest of \(description.classes) classes: no --threshold")
      }
      postprocessing = .threshold(threshold)
    }
    let graph = try description.makeGraph(description.defaultSize)
    let parameters = try Parameters(contentsOf: weights)
    let model = try Failure.about(weights) { try Model(graph, parameters: parameters, on: threads.backend) }
    return Predictor(model, preprocessing: description.preprocessing, postprocessing: postprocessing)
  }
}

extension Predictor {
  /// Segments the image of a file.
  func prediction(
    for image: Image, of path: String, at resolution: Resolution = .image
  ) throws -> Prediction {
    let logits = try Failure.about(path) { try model.compiled(for: [:]) }.outputs[0].spec.shape.channels
    // Logits at the image's size, what is made of them, the labels, and the image itself.
    try requireMemory(
      image.width * image.height * (8 * logits + 16), for: "\(path): an image of \(image.width)×\(image.height) pixels")
    return try Failure.about(path) { try self(image, at: resolution) }
  }
}

extension ArgumentHelp {
  static let weights = ArgumentHelp("The weights: safetensors, .npz or a PyTorch .pth file.", valueName: "file")
  static let size = ArgumentHelp(
    "Height and width of the input, as 512x256 or 512; by default the network's own.", valueName: "size")
}

extension ModelDescription {
  /// The graph for a size from the command line.
  func graph(for size: SizeArgument?) throws -> Graph {
    let extent = size?.extent ?? defaultSize
    do {
      return try makeGraph(extent)
    } catch GraphError.shape(let node, let error, _) {
      throw Failure(
        .usage, "--size: \(name) cannot take \(extent.height)×\(extent.width) pixels (at \(node): \(error))")
    }
  }
}

/// The network of a name, or a failure that lists the names.
func findModel(_ name: String) throws -> ModelDescription {
  guard let description = ModelRegistry.find(name) else {
    throw Failure(
      .usage, "there is no network named \(name); there are \(ModelRegistry.all.map(\.name).joined(separator: ", "))")
  }
  return description
}
