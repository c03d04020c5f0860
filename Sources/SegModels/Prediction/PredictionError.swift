import SegEngine

/// A network, output or image that does not match the requested prediction.
public enum PredictionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A threshold was given for a network with more than one logit.
  case notBinary(classes: Int)
  /// The output is not a map of one image.
  case notAMap(Shape)
  /// Probabilities were requested, but the network outputs labels.
  case noProbabilities
  /// The network takes more samples per pixel than the image has.
  case tooFewBands(image: Int, network: Int)
  /// Invalid preprocessing: the number of means or deviations is neither one nor the number of channels, or a size is
  /// invalid.
  case preprocessing(String)

  /// The error in one line.
  public var description: String {
    switch self {
    case .notBinary(let classes): "a threshold needs a network with one logit, not \(classes)"
    case .notAMap(let shape): "the network's first output \(shape) is not a map of one image"
    case .noProbabilities: "the network outputs labels, not probabilities"
    case .tooFewBands(let image, let network):
      "the image has \(image) sample\(image == 1 ? "" : "s") per pixel, the network takes \(network)"
    case .preprocessing(let reason): "invalid preprocessing: \(reason)"
    }
  }
}
