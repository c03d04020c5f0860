import SegEngine
import SegModels

/// A network that cannot be made from its name or file, or whose weights or settings do not fit.
public enum NetworkError: Error, Sendable, CustomStringConvertible {
  /// There is neither a network of this name nor an ONNX file at this path.
  case unknownName(String)
  /// The number of classes is not between 1 and 4096.
  case classes(Int)
  /// A number of classes was given for a file, which states its own.
  case classesOfFile(path: String)
  /// A named network has no file of weights.
  case noWeights(name: String)
  /// Weights were given for an ONNX file, which contains its own.
  case weightsOfFile(path: String)
  /// The weights of a file do not fit the network.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - error: A `ParameterError` or `CheckpointError`.
  ///   - classes: The number of classes of the file's weights, if that is the only difference.
  case weights(path: String, error: any Error, classes: Int?)
  /// Image settings were given for a named network, which has its own.
  case settings(name: String)
  /// A threshold was given for a network with several classes, which uses argmax.
  case threshold(name: String, classes: Int)
  /// The file does not fix the size of images, and no size was given.
  case noSize(path: String)
  /// The description of a trained network is not valid.
  case trained(path: String, reason: String)
  /// The network cannot take images of this size.
  case size(name: String, height: Int, width: Int, reason: String)

  /// The networks of `ModelRegistry` that an unknown name may be a misspelling of, the most similar first; empty for other
  /// errors.
  public var suggestions: [String] {
    if case .unknownName(let name) = self { name.similarNames(among: ModelRegistry.all.map(\.name)) } else { [] }
  }

  /// The error on one line.
  public var description: String {
    switch self {
    case .unknownName(let name):
      "there is no network \(name.contains("/") ? "and no file " : "")named \(name)"
        + name.suggestion(among: ModelRegistry.all.map(\.name)) + " (`seg models` lists all)"
    case .classes(let number): "the number of classes is between 1 and 4096, not \(number)"
    case .classesOfFile(let path): "the number of classes is for named networks; there is none named \(path)"
    case .noWeights(let name): "\(name) needs a file of weights"
    case .weightsOfFile(let path): "\(path) contains its own weights"
    case .weights(let path, let error, let classes):
      "\(path): \(error)" + (classes.map { "; the checkpoint is of \($0) classes" } ?? "")
    case .settings(let name): "\(name) has its own preparation of images: settings are for ONNX files"
    case .threshold(let name, let classes): "\(name) chooses the largest of \(classes) classes, without a threshold"
    case .noSize(let path): "\(path): the file leaves the size of images open"
    case .trained(let path, let reason): "\(path): \(reason)"
    case .size(let name, let height, let width, let reason):
      "\(name) cannot take \(height)×\(width) pixels (\(reason))"
    }
  }
}
