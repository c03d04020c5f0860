import SegEngine

extension MaxPool: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    var window = ONNXExportWindow(geometry, step)
    if roundingUp { try window.cover(step.output().shape) }
    let results = step.add(
      "MaxPool", [window.map], window.geometry.windowAttributes(), outputs: givesIndices ? 2 : 1)
    if givesIndices {
      guard geometry.padding.isPadding else { throw ONNXExportFailure("indices of a cropped map are not written") }
      step.exporter.setResult(
        step.node.outputs[1], ONNXPoolIndices(name: results[1], geometry: window.geometry, map: step.input(0).shape))
    }
    step.result(map: results[0])
  }
}

extension MaxUnpool: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let y = step.output().shape
    guard let indices = step.exporter.poolIndices(step.node.inputs[1]),
      indices.map.dimensions[1...] == y.dimensions[1...]
    else {
      throw ONNXExportFailure("its indices are not those of a max pooling of a map of the output's size")
    }
    let geometry = indices.geometry
    let x = step.input(0).shape
    let isInferred =
      geometry.transposedOutputSize(of: Extent2D(height: x.height, width: x.width))
      == Extent2D(height: y.height, width: y.width)
    let map = step.map()
    let size = isInferred ? [] : [try step.shape(as: AxisOrder.channelsFirst(4), batch: map)]
    guard geometry.dilation == 1 else { throw ONNXExportFailure("a dilated pooling is not undone") }
    let attributes = geometry.windowAttributes().without("dilations")
    step.result(map: step.add("MaxUnpool", [map, indices.name] + size, attributes))
  }
}

extension AveragePool: ONNXExporting {
  /// AveragePool has dilations from operator set 19 on.
  var minimumOpset: Int { geometry.dilation == 1 ? ONNXExporter.opset : 19 }

  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    var window = ONNXExportWindow(geometry, step)
    // Without padding there is none to count.
    var counts = countingPadding && window.geometry.padding != 0
    if roundingUp {
      // What covers the last window is not counted, so padding that counts becomes a part of the map.
      if counts { window.pad(window.geometry.padding) }
      counts = false
      try window.cover(step.output().shape)
    }
    let attributes = window.geometry.windowAttributes(["count_include_pad": .int(counts ? 1 : 0)])
    step.result(
      map: step.add("AveragePool", [window.map], geometry.dilation == 1 ? attributes.without("dilations") : attributes))
  }
}

extension GlobalPool: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    step.result(map: step.add(operation == .average ? "GlobalAveragePool" : "GlobalMaxPool", [step.map()]))
  }
}

extension AdaptivePool: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    try step.requireFixed([1, 2])
    if size == 1 { return try GlobalPool(operation).export(step) }
    let x = step.input(0).shape
    let (rows, columns) = (AdaptivePool.windows(x.height, size.height), AdaptivePool.windows(x.width, size.width))
    if let (height, width) = AdaptivePool.evenWindows(rows, columns) {
      let window = ConvolutionGeometry(
        kernel: Extent2D(height: height.kernel, width: width.kernel),
        stride: Extent2D(height: height.stride, width: width.stride))
      let attributes = window.windowAttributes().without("dilations")
      step.result(map: step.add(operation == .average ? "AveragePool" : "MaxPool", [step.map()], attributes))
      return
    }
    // The windows of each axis by themselves: the mean of a window is the mean of its rows' means.
    let type = operation == .average ? "ReduceMean" : "ReduceMax"
    let lines = step.windows(of: step.map(), along: 2, rows, type)
    step.result(map: step.windows(of: lines, along: 3, columns, type))
  }

  /// Returns extent and distance of the windows along both axes, if all windows of an axis have the same.
  private static func evenWindows(
    _ rows: ContiguousArray<Range<Int>>, _ columns: ContiguousArray<Range<Int>>
  ) -> (rows: (kernel: Int, stride: Int), columns: (kernel: Int, stride: Int))? {
    func even(_ windows: ContiguousArray<Range<Int>>) -> (kernel: Int, stride: Int)? {
      let kernel = windows[0].count
      let stride = windows.count > 1 ? windows[1].lowerBound : kernel
      let isEven = windows.indices.allSatisfy {
        windows[$0].count == kernel && windows[$0].lowerBound == $0 * stride
      }
      return isEven && stride > 0 ? (kernel, stride) : nil
    }
    guard let rows = even(rows), let columns = even(columns) else { return nil }
    return (rows, columns)
  }
}

extension ONNXExportStep {
  /// Returns windows along an axis of a tensor, each reduced to one element.
  fileprivate func windows(
    of name: String, along axis: Int, _ windows: ContiguousArray<Range<Int>>, _ reduction: String
  ) -> String {
    let parts = windows.map { window in
      let part = add(
        "Slice", [name, integers([window.lowerBound]), integers([window.upperBound]), integers([axis])])
      return reduced(reduction, part, over: [axis], keepsAxes: true)
    }
    return add("Concat", parts, ["axis": .int(axis)])
  }
}
