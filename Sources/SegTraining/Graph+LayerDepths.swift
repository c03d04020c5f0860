import SegEngine

extension Graph {
  /// The depth of each parameter: k / n, where its node is the k-th with parameters along the longest path from the image to it, and n is
  /// the largest k.
  var layerDepths: [String: Double] {
    var counts: [ValueID: Int] = [:]
    var layers: [String: Int] = [:]
    for node in nodes {
      let names = node.inputs.compactMap { value in
        if case .parameter(let name) = self[value].source { name } else { nil }
      }
      let before = node.inputs.reduce(0) { max($0, counts[$1] ?? 0) }
      let count = before + (names.isEmpty ? 0 : 1)
      for name in names where layers[name] == nil { layers[name] = count }
      for output in node.outputs { counts[output] = count }
    }
    let last = Double(layers.values.max() ?? 1)
    return layers.mapValues { Double($0) / last }
  }
}
