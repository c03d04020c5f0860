import SegEngine
import SegModels

/// A network that segments images, with what is known of it from its name or file.
package struct LoadedPredictor: Sendable {
  package let name: String
  package let predictor: Predictor
  /// Labels lie below this; a network of one output channel has two.
  package let classes: Int
  package let outputChannels: Int
  /// What was taken for granted about an ONNX file, a line each.
  package let assumptions: [String]
  /// Names in the file of weights that were left out because they make no difference.
  package let leftOut: [String]
  /// The network for images `[1, height, width, channels]` of a size.
  package let graph: @Sendable (Extent2D) throws -> Graph
}
