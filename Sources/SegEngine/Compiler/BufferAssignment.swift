/// Assigns a buffer to each value of a graph: the caller's memory, a constant's, or a part of the arena. Aliases, subviews, and operators
/// that overwrite their operand share buffers.
struct BufferAssignment {
  struct ArenaBuffer {
    let buffer: Int
    var byteCount: Int
    /// The first and last step at which it is live.
    var lifetime: ClosedRange<Int>
  }

  /// A copy at the end of a run: of an output whose value has other memory (an input, a constant, or a value that is an output twice), or
  /// of a variable's update.
  struct Copy {
    /// The name of the output or variable.
    let name: String
    let spec: TensorSpec
    let from, to: Place
  }

  /// The location of a value.
  struct Place {
    var buffer: Int
    var byteOffset: Int
    /// Elements from one row to the next.
    var rowStride: Int
  }

  /// The number of buffers.
  private(set) var count = 0
  /// The location of each value, by the value's index.
  private(set) var places: [Place] = []
  /// The buffer of each output, by its name.
  private(set) var ofOutput: [String: Int] = [:]
  /// The buffer of each variable, by its name.
  private(set) var ofVariable: [String: Int] = [:]
  /// The constants, by the value's index.
  private(set) var constants: [(buffer: Int, value: Int)] = []
  /// The buffers in the arena.
  private(set) var arena: [ArenaBuffer] = []
  private(set) var copies: [Copy] = []
  /// The nodes that run, in order.
  private(set) var running: [Graph.Node] = []

  /// - Parameter placesParts: Whether the inputs of a concatenation are computed in place, as subviews.
  init(_ graph: Graph, _ specs: [TensorSpec], placesParts: Bool) {
    let sharing = MemorySharing(graph, specs, placesParts: placesParts)
    running = graph.nodes.indices.filter { !sharing.isElided($0) }.map { graph.nodes[$0] }
    func owner(_ id: Graph.ValueID) -> Int { sharing.places[id.index].owner }

    // The buffer of each value that has its own memory.
    var buffers = [Int?](repeating: nil, count: graph.values.count)
    for port in graph.inputs { buffers[port.value.index] = newBuffer() }
    for variable in graph.variables {
      let buffer = newBuffer()
      buffers[variable.value.index] = buffer
      ofVariable[variable.name] = buffer
    }
    for (index, info) in graph.values.enumerated() {
      if case .constant = info.source {
        let buffer = newBuffer()
        buffers[index] = buffer
        constants.append((buffer, index))
      }
    }
    for port in graph.outputs { ofOutput[port.name] = newBuffer() }
    for (owner, name) in sharing.outputNames { buffers[owner] = ofOutput[name]! }

    // The lifetime of each owner's memory.
    var lifetimes = [ClosedRange<Int>?](repeating: nil, count: graph.values.count)
    func extend(_ owner: Int, to step: Int) {
      let lifetime = lifetimes[owner] ?? step...step
      lifetimes[owner] = min(lifetime.lowerBound, step)...max(lifetime.upperBound, step)
    }
    for (step, node) in running.enumerated() {
      for id in node.inputs + node.outputs { extend(owner(id), to: step) }
    }
    // Outputs are copied first, then updates of variables. So outputs are copied before any variable changes.
    let copiedOutputs = graph.outputs.filter { sharing.outputNames[owner($0.value)] != $0.name }
    let lastCopy = running.count + copiedOutputs.count + 2 * graph.variables.count
    for port in copiedOutputs { extend(owner(port.value), to: lastCopy) }
    let updated = graph.variables.filter { $0.update != nil && $0.update != $0.value }
    let variableValues = Set(graph.variables.map(\.value.index))
    // The memory of a variable is live until the copies are done.
    for variable in updated where variableValues.contains(owner(variable.update!)) {
      extend(owner(variable.update!), to: lastCopy)
    }
    var copiedVariables: [Graph.VariableInfo] = []
    for variable in updated {
      guard let update = variable.update else { continue }
      if canBeUpdatedInPlace(variable, update, sharing, specs, lifetimes, buffers) {
        buffers[owner(update)] = buffers[variable.value.index]
      } else {
        copiedVariables.append(variable)
        extend(owner(update), to: lastCopy)
      }
    }

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
      // A value that no node reads or computes has no memory.
      return Place(
        buffer: buffers[place.owner] ?? -1, byteOffset: place.offset * specs[index].elementType.byteCount,
        rowStride: place.rowStride)
    }
    for port in copiedOutputs { copy(port.value, to: ofOutput[port.name]!, named: port.name, specs) }
    copy(copiedVariables, owner, variableValues, specs, lastCopy: lastCopy)
  }

  private mutating func copy(_ value: Graph.ValueID, to buffer: Int, named name: String, _ specs: [TensorSpec]) {
    let spec = specs[value.index]
    let target = Place(buffer: buffer, byteOffset: 0, rowStride: spec.shape.channels)
    copies.append(Copy(name: name, spec: spec, from: places[value.index], to: target))
  }

  /// Copies updates to variables. An update that is in a variable's memory is copied to the arena first, because that variable may change
  /// before.
  private mutating func copy(
    _ variables: [Graph.VariableInfo], _ owner: (Graph.ValueID) -> Int, _ owners: Set<Int>, _ specs: [TensorSpec],
    lastCopy: Int
  ) {
    var aside: [Copy] = []
    for variable in variables where owners.contains(owner(variable.update!)) {
      let (spec, first) = (specs[variable.value.index], running.count + copies.count)
      let place = Place(buffer: newBuffer(), byteOffset: 0, rowStride: spec.shape.channels)
      arena.append(
        ArenaBuffer(
          buffer: place.buffer, byteCount: spec.byteCount, lifetime: first...lastCopy))
      copies.append(Copy(name: variable.name, spec: spec, from: places[variable.update!.index], to: place))
      let target = Place(buffer: ofVariable[variable.name]!, byteOffset: 0, rowStride: spec.shape.channels)
      aside.append(Copy(name: variable.name, spec: spec, from: place, to: target))
    }
    for variable in variables where !owners.contains(owner(variable.update!)) {
      copy(variable.update!, to: ofVariable[variable.name]!, named: variable.name, specs)
    }
    copies += aside
  }

  /// Returns whether an update can be computed in the variable's memory: all operators that read the variable run before, or the last one
  /// computes the update and may overwrite that operand.
  private func canBeUpdatedInPlace(
    _ variable: Graph.VariableInfo, _ update: Graph.ValueID, _ sharing: MemorySharing, _ specs: [TensorSpec],
    _ lifetimes: [ClosedRange<Int>?], _ buffers: [Int?]
  ) -> Bool {
    let owner = sharing.places[update.index].owner
    guard buffers[owner] == nil, let life = lifetimes[owner], life.upperBound < running.count,
      sharing.places[update.index].offset == 0, specs[owner].byteCount == specs[variable.value.index].byteCount
    else { return false }
    guard let reads = lifetimes[variable.value.index] else { return true }
    if reads.upperBound < life.lowerBound { return true }
    let node = running[life.lowerBound]
    let operands = node.inputs.indices.filter { sharing.places[node.inputs[$0].index].owner == variable.value.index }
    guard let output = node.outputs.firstIndex(where: { $0.index == owner }) else { return false }
    return reads.upperBound == life.lowerBound && operands.count == 1
      && node.operator.overwritableInputs(ofOutput: output, of: node.inputs.count).contains(operands[0])
      && sharing.places[node.inputs[operands[0]].index].offset == 0
      && specs[node.inputs[operands[0]].index].byteCount == specs[owner].byteCount
  }

  private mutating func newBuffer() -> Int {
    count += 1
    return count - 1
  }

  /// Returns the arena buffer of an operand that the node may overwrite and that, with everything in its memory, is last used at this step.
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
