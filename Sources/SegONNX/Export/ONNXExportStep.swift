import SegEngine

/// A node of the graph with its operands, as an operator that is written sees it.
struct ONNXExportStep {
  let exporter: ONNXExporter
  let node: Graph.Node

  /// The operator set of the file.
  var opset: Int { exporter.opset }
  var inputCount: Int { node.inputs.count }

  // MARK: Shapes

  /// Returns an operand's shape and type, with the engine's order of axes.
  func input(_ index: Int) -> TensorSpec { exporter.shapes[node.inputs[index]] }

  /// Returns a result's shape and type, with the engine's order of axes.
  func output(_ index: Int = 0) -> TensorSpec { exporter.shapes[node.outputs[index]] }

  /// Returns the extents of a result with its axes in an order. The extent that depends on the size of the batch is `open`.
  ///
  /// - Throws: ``ONNXExportFailure`` if several do.
  func extents(ofOutput index: Int = 0, as order: [Int], open: Int = -1) throws(ONNXExportFailure) -> [Int] {
    let axes = exporter.shapes.openAxes(of: node.outputs[index])
    guard axes.count <= 1 else { throw .batch }
    let shape = output(index).shape
    return order.map { axes.contains($0) ? open : shape[$0] }
  }

  /// Throws a failure if an extent of an operand depends on the size of the batch.
  func requireFixed(_ axes: [Int], ofInput index: Int = 0) throws(ONNXExportFailure) {
    let open = exporter.shapes.openAxes(of: node.inputs[index])
    guard !axes.contains(where: open.contains) else { throw .batch }
  }

  /// Returns the non-negative index of an axis of an operand.
  func axis(_ axis: Int, ofInput index: Int = 0) -> Int {
    guard let axis = input(index).shape.normalizedAxis(axis) else { preconditionFailure("shapes were checked") }
    return axis
  }

  // MARK: Operands

  /// Returns the tensor that holds an operand, in any order of axes.
  func tensor(_ index: Int = 0) -> ONNXArrangement { exporter.arrangements(of: node.inputs[index])[0] }

  /// Returns the name of the tensor that holds an operand with its axes in an order.
  func tensor(_ index: Int, as order: [Int]) -> String { exporter.tensor(node.inputs[index], as: order) }

  /// Returns the name of the tensor that holds an operand in the engine's order of axes.
  func rows(_ index: Int = 0) -> String { tensor(index, as: AxisOrder.own(input(index).shape.rank)) }

  /// Returns the name of the tensor `[batch, channels, …]` of an operand.
  func map(_ index: Int = 0) -> String { tensor(index, as: AxisOrder.channelsFirst(input(index).shape.rank)) }

  /// Returns the order of axes for which the fewest of some operands are transposed.
  func commonOrder(ofInputs indices: [Int]) -> [Int] {
    let orders = indices.map { exporter.arrangements(of: node.inputs[$0]).map(\.order) }
    func missing(_ order: [Int]) -> Int { orders.count { !$0.contains(order) } }
    return orders.joined().min { missing($0) < missing($1) } ?? []
  }

  /// Returns the name of a tensor that an operand of at most `order.count` axes broadcasts from, beside tensors with their axes in that order.
  func broadcasting(_ index: Int, as order: [Int]) throws(ONNXExportFailure) -> String {
    let shape = input(index).shape
    if shape.rank == order.count { return tensor(index, as: order) }
    if shape.elementCount == 1 || order == AxisOrder.own(order.count) { return rows(index) }
    guard exporter.shapes.openAxes(of: node.inputs[index]).isEmpty else { throw .batch }
    let extents = Array(repeating: 1, count: order.count - shape.rank) + shape.dimensions
    // Where at most one axis has several elements, another order does not move them.
    guard extents.count(where: { $0 != 1 }) > 1 else { return reshaped(rows(index), to: order.map { extents[$0] }) }
    return add("Transpose", [reshaped(rows(index), to: extents)], ["perm": .ints(order)])
  }

  // MARK: Nodes

  /// Adds a node with one output, and returns the output's name.
  func add(
    _ type: String, _ inputs: [String], _ attributes: ONNXAttributeList = [:]
  ) -> String { exporter.add(type, inputs, attributes, near: node.name)[0] }

  /// Adds a node, and returns the names of its outputs.
  func add(
    _ type: String, _ inputs: [String], _ attributes: ONNXAttributeList = [:], outputs: Int
  ) -> [String] { exporter.add(type, inputs, attributes, outputs: outputs, near: node.name) }

  /// Adds a Reshape. An extent of 0 is that of the same axis of the tensor, and one of −1 follows from the others.
  func reshaped(_ name: String, to extents: [Int]) -> String { add("Reshape", [name, integers(extents)]) }

  /// Returns the name of a constant with integers `[count]`.
  func integers(_ values: [Int]) -> String {
    exporter.constant(Tensor([values.count], values.map { Int64($0) }))
  }

  /// Returns the name of a constant number.
  func number(_ value: Float) -> String { exporter.constant(Tensor(scalar: value)) }

  /// Returns the name of a tensor with the extents of a result, whose axes are in an order. The size of the batch, if it is open, is that of axis 0
  /// of the tensor `batch`.
  func shape(ofOutput index: Int = 0, as order: [Int], batch: String) throws(ONNXExportFailure) -> String {
    let extents = try extents(ofOutput: index, as: order)
    guard extents.contains(-1) else { return integers(extents) }
    guard order[0] == 0, extents[0] == -1 else { throw .batch }
    let size = add("Shape", [batch], ["start": .int(0), "end": .int(1)])
    return add("Concat", [size, integers(Array(extents.dropFirst()))], ["axis": .int(0)])
  }

  // MARK: Results

  /// Sets the tensor that holds a result, with its axes in an order.
  func result(_ name: String, as order: [Int], output index: Int = 0) {
    exporter.setResult(node.outputs[index], .init(name: name, order: order), of: node.name, output: index)
  }

  /// Sets the tensor that holds a result in the engine's order of axes.
  func result(rows name: String) { result(name, as: AxisOrder.own(output().shape.rank)) }

  /// Sets the tensor `[batch, channels, …]` that holds a result.
  func result(map name: String) { result(name, as: AxisOrder.channelsFirst(output().shape.rank)) }

  /// Makes a result the same as operand 0, with the axes of each of its tensors named anew.
  func forward(_ renamed: (_ order: [Int]) -> [Int] = { $0 }) {
    for known in exporter.arrangements(of: node.inputs[0]) { result(known.name, as: renamed(known.order)) }
  }
}
