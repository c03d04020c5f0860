/// Moves channels in front of height and width before a map is enlarged, not after: an exporter's network ends with its logits
/// resized to the image, channels first. What is moved is then as small as the logits, and the large map is written once, in
/// the order that is wanted: a plane a channel, each resized like an image of one channel.
struct TransposeBeforeResize: GraphPass {
  func apply(to graph: inout Graph) {
    let reader = PatternReader(graph)
    var replacements: [Int: [Graph.Node]] = [:]
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let transpose = node.operator as? Transpose, transpose.permutation == [0, 3, 1, 2],
        let producer = reader.onlyFor(node.inputs[0]), let resize = producer.operator as? Resize
      else { continue }
      let (small, large) = (graph[producer.inputs[0]].spec, graph[producer.outputs[0]].spec)
      guard small.elementType == .float32, large.shape.elementCount > 2 * small.shape.elementCount else { continue }
      let (n, c) = (small.shape.batch, small.shape.channels)
      let sizes = (small.shape.height, small.shape.width, large.shape.height, large.shape.width)
      var target = resize.target
      if target == .like { target = .size(Extent2D(sizes.2, sizes.3)) }
      let moved = graph.makeNode(
        Transpose([0, 3, 1, 2]), named: node.name + ".small", [producer.inputs[0]],
        TensorSpec([n, c, sizes.0, sizes.1]))
      let planes = graph.makeNode(
        Reshape(to: .dimensions([n * c, sizes.0, sizes.1, 1])), named: node.name + ".planes", moved.outputs,
        TensorSpec([n * c, sizes.0, sizes.1, 1]))
      let resized = graph.makeNode(
        Resize(
          resize.interpolation, coordinates: resize.coordinates, antialiasing: resize.antialiases, to: target),
        named: producer.name, planes.outputs, TensorSpec([n * c, sizes.2, sizes.3, 1]))
      var last = node
      last.operator = Reshape(to: .dimensions([n, c, sizes.2, sizes.3]))
      last.inputs = resized.outputs
      replacements[index] = [moved, planes, resized, last]
    }
    graph.nodes = graph.nodes.enumerated().flatMap { replacements[$0.offset] ?? [$0.element] }
    RemoveUnusedNodes().apply(to: &graph)
  }
}
