import SegEngine

extension Graph {
  /// Writes the graph with its weights as an ONNX file, of operator set 17 unless an operator needs a newer one.
  ///
  /// Inputs and outputs of rank 4 are `[batch, channels, height, width]` in the file instead of `[batch, height, width, channels]`; others
  /// keep their order of axes. Names of inputs, outputs and parameters are kept, and so are the names of nodes: what several ONNX nodes compute
  /// is named by the last of them. Parameters have the layouts of checkpoints. Height and width are those that the graph was built with. The
  /// size of the batch is open, with the name `batch`, if the graph takes any.
  ///
  /// The graph is written as it was built: operators that only optimisation makes are not written. Dropout does nothing in the file.
  ///
  /// - Parameters:
  ///   - path: The path of the file. A file there is replaced when the new one is complete.
  ///   - parameters: The weights of the graph.
  ///   - opensBatch: Whether the size of the batch is left open. If not, it is that of the graph's inputs.
  ///   - externalData: Whether the weights are written to a file of their own, `net.onnx.data` beside `net.onnx`. Weights of 2 GiB or more always
  ///     are, since an ONNX file cannot hold them.
  /// - Throws: ``ONNXExportError`` if an operator has no equivalent in ONNX, the graph has variables, the weights are not those of the graph, or the
  ///   file cannot be written.
  public func writeONNX(
    to path: String, parameters: Parameters = Parameters(), opensBatch: Bool = true, externalData: Bool = false
  ) throws(ONNXExportError) {
    let file = try ONNXFile(self, parameters: parameters, opensBatch: opensBatch)
    do throws(FileError) { try file.write(to: path, externalData: externalData) } catch { throw .file(error) }
  }
}
