/// Decides in which buffer each value of a graph lives: the caller's memory, a constant's, or a part of the arena that values
/// with the same contents, parts of one whole, and operators that overwrite their operand, share.
struct BufferAssignment {
  struct ArenaBuffer {
    let buffer: Int
    var byteCount: Int
    /// First and last step at which it holds something.
    var lifetime: ClosedRange<Int>
  }

  /// An output whose value lives elsewhere (it is an input, a constant, or an output twice) and is copied at the end.
  struct Copy {
    let value: Graph.ValueID
    let output: String
  }

  /// Where a value is.
  struct Place {
    var buffer: Int
    var byteOffset: Int
    /// Elements from one row to the next.
    var rowStride: Int
  }

  /// Number of buffers.
  private(set) var count = 0
  /// Where each value is, by the value's index.
  private(set) var places: [Place] = []
  /// The buffer of each output, by its name.
  private(set) var ofOutput: [String: Int] = [:]
  /// The constants, by the value's index.
  private(set) var constants: [(buffer: Int, value: Int)] = []
  /// The buffers that lie in the arena.
  private(set) var arena: [ArenaBuffer] = []
  private(set) var copies: [Copy] = []
  /// The nodes that are to be run, in order.
  private(set) var running: [Graph.Node] = []

  /// - Parameter placesParts: whether the inputs of a concatenation are computed in their places.
  init(_ graph: Graph, _ specs: [TensorSpec], placesParts: Bool) {
    let sharing = MemorySharing(graph, specs, placesParts: placesParts)
    running = graph.nodes.indices.filter { !sharing.isIdle($0) }.map { graph.nodes[$0] }
    func owner(_ id: Graph.ValueID) -> Int { sharing.places[id.index].owner }

    for port in graph.outputs where sharing.outputNames[owner(port.value)] != port.name {
      copies.append(Copy(value: port.value, output: port.name))
    }

    // The buffer of each value that has memory of its own.
    var buffers = [Int?](repeating: nil, count: graph.values.count)
    for port in graph.inputs { buffers[port.value.index] = newBuffer() }
    for (index, info) in graph.values.enumerated() {
      if case .constant = info.source {
        let buffer = newBuffer()
        buffers[index] = buffer
        constants.append((buffer, index))
      }
    }
    for port in graph.outputs { ofOutput[port.name] = newBuffer() }
    for (owner, name) in sharing.outputNames { buffers[owner] = ofOutput[name]! }

    // When each owner's memory holds something.
    var lifetimes = [ClosedRange<Int>?](repeating: nil, count: graph.values.count)
    func extend(_ owner: Int, to step: Int) {
      let lifetime = lifetimes[owner] ?? step...step
      lifetimes[owner] = min(lifetime.lowerBound, step)...max(lifetime.upperBound, step)
    }
    for (step, node) in running.enumerated() {
      for id in node.inputs + node.outputs { extend(owner(id), to: step) }
    }
    for (index, copy) in copies.enumerated() { extend(owner(copy.value), to: running.count + index) }

    var arenaIndices = [Int?](repeating: nil, count: graph.values.count)
    for (step, node) in running.enumerated() {
      for (position, output) in node.outputs.enumerated() {
        let owner = owner(output)
        guard buffers[owner] == nil, let lifetime = lifetimes[owner] else { continue }
        let bytes = specs[owner].byteCount
        if position == 0, owner == output.index,
          let shared = overwritten(node, step, bytes, specs, sharing.places, arenaIndices)
        {
          buffers[owner] = arena[shared].buffer
          arena[shared].lifetime = arena[shared].lifetime.lowerBound...lifetime.upperBound
          arenaIndices[owner] = shared
        } else {
          buffers[owner] = newBuffer()
          arenaIndices[owner] = arena.count
          arena.append(ArenaBuffer(buffer: buffers[owner]!, byteCount: bytes, lifetime: lifetime))
        }
      }
    }
    places = graph.values.indices.map { index in
      let place = sharing.places[index]
      // A value that no node of the graph reads or computes has no memory.
      return Place(
        buffer: buffers[place.owner] ?? -1, byteOffset: place.offset * specs[index].elementType.byteCount,
        rowStride: place.rowStride)
    }
  }

  private mutating func newBuffer() -> Int {
    count += 1
    return count - 1
  }

  /// The arena buffer of an operand that dies at this step, with all that lies in its memory, and that the node may overwrite.
  private func overwritten(
    _ node: Graph.Node, _ step: Int, _ bytes: Int, _ specs: [TensorSpec], _ places: [MemorySharing.Place],
    _ arenaIndices: [Int?]
  ) -> Int? {
    for input in node.operator.overwritableInputs(of: node.inputs.count) where input < node.inputs.count {
      let id = node.inputs[input].index
      guard let index = arenaIndices[places[id].owner], arena[index].lifetime.upperBound == step,
        places[id].offset == 0, specs[id].byteCount == bytes, arena[index].byteCount == bytes,
        node.inputs.filter({ arenaIndices[places[$0.index].owner] == index }).count == 1
      else { continue }
      return index
    }
    return nil
  }
}
