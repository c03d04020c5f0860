import SegEngine
import SegIO

/// A network as a trainer sees it: graphs with parameters, the first weights, the preparation of images, and a form in a folder.
protocol TrainableNetwork: Sendable {
  /// The network's name in messages.
  var title: String { get }
  /// Height and width of images are multiples of this number.
  var multiple: Int { get }
  /// The smallest height and width of an image.
  var minimumSize: Extent2D { get }
  /// The names of auxiliary outputs, which are used in training only.
  var auxiliaryOutputs: [String] { get }
  /// The preparation of images.
  var preprocessing: Preprocessing { get }
  /// The description that is written into the folder of the training.
  var trained: TrainedNetwork { get }

  /// Makes the graph from images `[batch, height, width, channels]` to logits `[batch, height, width, classes]`, or to one logit for two
  /// classes. A graph that fits any batch has one image.
  func graph(size: Extent2D, batch: Int, auxiliary: Bool) throws -> Graph

  /// Makes the model for images of any size, with the logits of ``graph(size:batch:auxiliary:)``.
  func model(_ parameters: Parameters, like size: Extent2D, on backend: any Backend, options: CompileOptions) throws
    -> Model

  /// The first weights, and the names of those that are drawn because the file has them for other classes.
  func firstWeights(for graph: Graph, seed: UInt64) throws -> (weights: Parameters, drawn: [String])

  /// Writes weights into a folder, so that the folder is a network.
  func write(_ weights: Parameters, into folder: TrainingFolder) throws

  /// Reads the weights of a folder; `nil` if it has none yet.
  func weights(in folder: TrainingFolder) throws -> Parameters?
}

/// Makes the logits of two classes of one logit x: 0 and x. Their cross-entropy is the binary cross-entropy of x.
struct TwoClassLogits: GraphExtension {
  func extend(_ graph: GraphBuilder, outputs: [Value]) throws {
    for (index, logits) in outputs.enumerated() {
      let background = logits * 0
      graph.output(index == 0 ? "logits" : "auxiliary\(index)", background.concat(with: logits))
    }
  }
}

extension TrainableNetwork {
  /// Makes the graph with two logits where the network has one.
  func classGraph(size: Extent2D, batch: Int = 1, auxiliary: Bool = false) throws -> Graph {
    let graph = try graph(size: size, batch: batch, auxiliary: auxiliary)
    guard graph[graph.outputs[0].value].spec.shape.dimensions.last == 1 else { return graph }
    return try graph.extended(by: TwoClassLogits(), for: [:])
  }
}
