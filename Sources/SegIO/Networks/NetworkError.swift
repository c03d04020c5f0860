import SegEngine
import SegModels

/// A network that cannot be made from its name or file, and what comes with it.
public enum NetworkError: Error, Sendable, CustomStringConvertible {
  /// No network has this name, and no ONNX file is there.
  case unknownName(String)
  /// The number of classes is not between 1 and 4096.
  case classes(Int)
  /// A number of classes was given for what is no name: a file states its own.
  case classesOfFile(path: String)
  /// A named network without a file of weights.
  case noWeights(name: String)
  /// A file of weights was given for an ONNX file, which contains its own.
  case weightsOfFile(path: String)
  /// The weights of a file do not fit the network.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - error: A `ParameterError` or `CheckpointError`.
  ///   - classes: The number of classes of the file's weights, where they differ in nothing else.
  case weights(path: String, error: any Error, classes: Int?)
  /// Settings of images were given for a named network, which has its own.
  case settings(name: String)
  /// A threshold was given for a network that chooses the largest of several classes.
  case threshold(name: String, classes: Int)
  /// The file leaves the size of images open, and none was given.
  case noSize(path: String)
  /// The network cannot take images of this size.
  case size(name: String, height: Int, width: Int, reason: String)

  /// One line.
  public var description: String {
    switch self {
    case .unknownName(let name):
      "there is no network named \(name), and no such ONNX file; there are "
        + ModelRegistry.all.map(\.name).joined(separator: ", ")
    case .classes(let number): "the number of classes is between 1 and 4096, not \(number)"
    case .classesOfFile(let path): "the number of classes is for named networks; there is none named \(path)"
    case .noWeights(let name): "\(name) needs a file of weights"
    case .weightsOfFile(let path): "\(path) contains its own weights"
    case .weights(let path, let error, let classes):
      "\(path): \(error)" + (classes.map { "; the checkpoint is of \($0) classes" } ?? "")
    case .settings(let name): "\(name) has its own preparation of images: settings are for ONNX files"
    case .threshold(let name, let classes): "\(name) chooses the largest of \(classes) classes, without a threshold"
    case .noSize(let path): "\(path): the file leaves the size of images open"
    case .size(let name, let height, let width, let reason):
      "\(name) cannot take \(height)×\(width) pixels (\(reason))"
    }
  }
}
