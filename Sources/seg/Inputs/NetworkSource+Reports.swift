import SegEngine
import SegIO
import SegModels

extension NetworkSource {
  /// Loads the network for inputs of any shape in its own layout. Ignored checkpoint keys are reported on the standard error stream.
  func reportedModel(
    weights: WeightsFile?, on backend: any Backend, options: CompileOptions, auxiliary: Bool
  ) throws -> Model {
    let (model, leftOut) = try model(weights: weights, on: backend, options: options, auxiliary: auxiliary)
    weights?.report(leftOut: leftOut)
    return model
  }

  /// Loads the weights of a graph; `nil` for a named network without a file. Ignored checkpoint keys are reported on the standard error
  /// stream.
  func reportedParameters(_ weights: WeightsFile?, for graph: Graph) throws -> Parameters? {
    guard let loaded = try parameters(weights, for: graph) else { return nil }
    weights?.report(leftOut: loaded.leftOut)
    return loaded.parameters
  }

  /// The path of an ONNX file; `nil` for a named network.
  var path: String? {
    if case .file(let file) = self { file.path } else { nil }
  }
}

extension WeightsFile {
  /// Reports ignored checkpoint keys on the standard error stream.
  func report(leftOut: [String]) {
    guard !leftOut.isEmpty else { return }
    let shown = leftOut.prefix(4).joined(separator: ", ") + (leftOut.count > 4 ? " and \(leftOut.count - 4) more" : "")
    printError("seg: \(path): left out \(shown), which the network does not have")
  }
}
