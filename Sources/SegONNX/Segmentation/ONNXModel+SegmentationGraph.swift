import SegEngine
import SegModels

extension ONNXModel {
  /// Defines the graph's image input of shape `[batch, height, width, channels]`. The batch is 1 if the file has no axis for it.
  private func define(_ input: ONNXImageInput, _ shape: Shape, in importer: ONNXImporter) throws {
    guard let type = input.port.type else {
      throw ONNXError(path, .input(name: input.port.name, reason: "is of a type that is not read"))
    }
    for (role, extent) in [(AxisRole.height, shape[1]), (.width, shape[2]), (.channel, shape[3])] {
      if let stated = input.extent(role), stated != extent {
        throw ONNXError(
          path,
          .input(name: input.port.name, reason: "has \(stated) for its \(role.rawValue) in the file, not \(extent)"))
      }
    }
    let image = importer.builder.input(input.port.name, shape, of: type.elementType)
    // The indices of the file's axes in the order batch, height, width, channels, without the axes that the file lacks.
    let lying = [AxisRole.batch, .height, .width, .channel].compactMap { input.axes.firstIndex(of: $0) }
    let extents = zip([AxisRole.batch, .height, .width, .channel], shape.dimensions)
      .filter { input.axes.contains($0.0) }.map(\.1)
    let value = extents.count == 4 ? image : image.reshape(extents)
    importer.define(input.port.name, ONNXValue(type, value, axes: lying))
  }

  /// Builds the network's graph for images of shape `[1, height, width, channels]`, with all outputs in the file's axis
  /// order. Outputs that depend on more than shapes, such as the boxes that are found, are left out.
  func imageGraph(_ input: ONNXImageInput, _ shape: Shape) throws -> Graph {
    try makeGraph(isPartial: true) {
      try define(input, shape, in: $0)
    } outputs: { importer in
      for port in graph.outputs where !(importer.staging?.awaited.contains(port.name) ?? false) {
        importer.builder.output(port.name, importer.arranged(try importer.value(ofOutput: port.name, in: self)))
      }
    }
  }

  /// Builds the network's graph for images of shape `[batch, height, width, channels]`, with the segmentation
  /// `[batch, height, width, classes]` as its only output.
  ///
  /// - Parameters:
  ///   - name: The name of the value that is the segmentation, if it is not the output itself but has its axes.
  ///   - weights: The initialisers that are parameters of the graph instead of constants.
  func segmentationGraph(
    _ input: ONNXImageInput, _ shape: Shape, _ output: ONNXMapOutput, named name: String? = nil,
    scaling: OutputReading.Scaling, isLabels: Bool, weights: [String] = []
  ) throws -> Graph {
    try makeGraph(isPartial: true) {
      try define(input, shape, in: $0)
      for weight in weights {
        let shape = graph.initializers[weight]!.shape
        let parameter = $0.builder.parameter(weight, shape, initializer: .constant(0))
        $0.define(weight, ONNXValue(.float, parameter))
      }
    } outputs: { importer in
      let result = try importer.value(ofOutput: name ?? output.name, in: self)
      // The other axes are the batch and axes of extent 1.
      let others = (0..<result.rank).filter { !output.order.contains($0) }
      var map = importer.arranged(result, as: others + output.order)
      if !result.type.isFloat, !isLabels { map = try importer.asFloat(map, result.type) }
      let extents = output.order.map { result.dimensions[$0] } + (output.channelAxis == nil ? [1] : [])
      map = map.reshape([shape[0]] + extents)
      switch scaling {
      case .none: break
      case .divided(let scale): map = map * Float(1 / scale)
      case .exponential: map = map.map(.exp)
      case .sigmoid: map = map.sigmoid()
      }
      importer.builder.output(output.name, map)
    }
  }
}

extension ONNXImporter {
  /// Converts integers to float32.
  fileprivate func asFloat(_ value: Value, _ type: ONNXElement) throws -> Value {
    let node = ONNXNode(
      name: "cast", kind: "Cast", domain: "", opset: 13, inputs: ["value"], outputs: ["cast"],
      attributes: ONNXAttributes(["to": .int(Int(ONNXElement.float.rawValue))]))
    let results = try ONNXStep(importer: self, node: node, inputs: [ONNXValue(type, value)]).onHost()
    return arranged(results[0])
  }
}
