/// A tensor of the file that holds a value of the graph, with its axes in some order (``AxisOrder``).
struct ONNXArrangement {
  /// The tensor's name.
  let name: String
  /// Axis i of the tensor is axis `order[i]` of the value.
  let order: [Int]
}
