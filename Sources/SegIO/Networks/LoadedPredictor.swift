import SegEngine
import SegModels
import SegONNX

/// A network that segments images, with information from its name or file.
package struct LoadedPredictor: Sendable {
  package let name: String
  package let predictor: Predictor
  /// The number of labels, which are from 0 to below it; 2 for a network with one output channel.
  package let classes: Int
  package let outputChannels: Int
  /// The assumptions about an ONNX file.
  package let assumptions: [ONNXAssumption]
  /// The ignored checkpoint keys in the file of weights.
  package let leftOut: [String]
  /// Makes the network's graph for images `[1, height, width, channels]` of a size.
  package let graph: @Sendable (Extent2D) throws -> Graph
}
