import SegEngine

/// An output that does not suit what is to be made of it.
public enum PredictionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A threshold needs a network of one logit.
  case notBinary(classes: Int)
  /// The output is no map of one image.
  case notAMap(Shape)
  /// The network gives labels where probabilities are wanted.
  case noProbabilities
  /// The network takes more samples a pixel than the image has.
  case tooFewBands(image: Int, network: Int)
  /// Images cannot be prepared so: means or deviations that are not one for all or one a channel, a size that is none.
  case preprocessing(String)

  /// One line that says what is wrong.
  public var description: String {
    switch self {
    case .notBinary(let classes): "a threshold is for networks of one logit, not \(classes)"
    case .notAMap(let shape): "the network's first output \(shape) is no map of one image"
    case .noProbabilities: "the network gives labels, not probabilities"
    case .tooFewBands(let image, let network):
      "the image has \(image) sample\(image == 1 ? "" : "s") a pixel, the network takes \(network)"
    case .preprocessing(let reason): "the preprocessing makes no sense: \(reason)"
    }
  }
}
