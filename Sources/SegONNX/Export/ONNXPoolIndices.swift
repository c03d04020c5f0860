import SegEngine

/// The indices of a max pooling as ONNX has them: int64 `[batch, channels, height, width]`, counted over the whole pooled tensor.
struct ONNXPoolIndices {
  /// The tensor's name.
  let name: String
  /// The geometry of the pooling, as the MaxPool node has it.
  let geometry: ConvolutionGeometry
  /// The shape of the pooled map, `[batch, height, width, channels]`.
  let map: Shape

  /// Adds the nodes that give the engine's indices: int32, counted within a plane of the pooled map.
  func withinPlanes(_ exporter: ONNXExporter) -> ONNXArrangement {
    let plane = exporter.constant(Tensor(scalar: Int64(map.height * map.width)))
    let index = exporter.add("Mod", [name, plane], near: name)[0]
    let type = ONNXAttributes.Value.int(Int(ONNXElement.int32.rawValue))
    return .init(
      name: exporter.add("Cast", [index], ["to": type], near: name)[0], order: AxisOrder.channelsFirst(4))
  }
}
