/// The sharing of memory between values of a graph, so that nothing is copied between them.
///
/// - A forwarded value (of a reshape, an identity) is an alias of its operand.
/// - The inputs of a concatenation are subviews of its output: they are computed in place, with the output's row stride, if every
///   operator that computes or reads them takes row strides. The output may itself be a subview of another. A value that is in several
///   concatenations is a subview of the first of them, whose memory is free soonest, and is copied into the others.
/// - The outputs of a split are subviews of its input.
///
/// A node whose outputs are all shared in this way is elided: it does not run. A link leads from each value to the one whose memory it
/// shares, and the last one has its own memory.
struct MemorySharing {
  /// The location of a value in memory.
  struct Place: Hashable {
    /// The value that owns the memory.
    var owner: Int
    /// Elements from the owner's first element to this value's.
    var offset: Int
    /// Elements from one row to the next.
    var rowStride: Int
  }

  private enum Link {
    /// The same memory under another shape.
    case alias(of: Int)
    /// A part of the memory of another value, whose rows have `channels` channels.
    case subview(of: Int, at: ViewStride, channels: Int)

    var target: Int {
      switch self {
      case .alias(let target): target
      case .subview(let target, _, _): target
      }
    }
  }

  /// The place of each value, by its index.
  private(set) var places: [Place] = []
  /// The name of the output in whose memory a value and its subviews are stored, by the owner.
  private(set) var outputNames: [Int: String] = [:]
  private let graph: Graph
  private let specs: [TensorSpec]
  private var links: [Link?]
  private var children: [[Int]]
  private var producers: [Int?]
  private var readers: [[Int]]
  private var isElided: [Bool]
  /// The updates of variables, whose rows are contiguous.
  private let updates: Set<Int>

  /// Returns whether a node does not run, because its outputs share memory with its inputs.
  func isElided(_ index: Int) -> Bool { isElided[index] }

  /// - Parameter placesParts: Whether the inputs of concatenations and the outputs of splits are subviews.
  init(_ graph: Graph, _ specs: [TensorSpec], placesParts: Bool) {
    self.graph = graph
    self.specs = specs
    updates = Set(graph.variables.compactMap { $0.update?.index })
    links = Array(repeating: nil, count: graph.values.count)
    children = Array(repeating: [], count: graph.values.count)
    producers = Array(repeating: nil, count: graph.values.count)
    readers = Array(repeating: [], count: graph.values.count)
    isElided = Array(repeating: false, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      for output in node.outputs { producers[output.index] = index }
    }
    for port in graph.outputs where producers[port.value.index] != nil && outputNames[port.value.index] == nil {
      outputNames[port.value.index] = port.name
    }
    for index in graph.nodes.indices { forward(index) }
    for index in graph.nodes.indices where !isElided[index] {
      for input in graph.nodes[index].inputs { readers[input.index].append(index) }
    }
    if placesParts {
      for index in graph.nodes.indices where !isElided[index] {
        join(index)
        split(index)
      }
    }
    places = graph.values.indices.map(place)
  }

  /// Links a forwarded value to its operand.
  private mutating func forward(_ index: Int) {
    let node = graph.nodes[index]
    guard node.outputs.count == 1,
      let input = node.operator.forwardedInput(
        inputs: node.inputs.map { specs[$0.index] }, outputs: [specs[node.outputs[0].index]])
    else { return }
    let (source, target) = (node.inputs[input].index, node.outputs[0].index)
    let owner = owner(of: source)
    if let name = outputNames[target] {
      // An output is in the caller's memory, so it cannot share memory with inputs, constants, or another output.
      guard producers[owner] != nil, outputNames[owner] == nil else { return }
      outputNames[target] = nil
      outputNames[owner] = name
    }
    link(target, .alias(of: source))
    isElided[index] = true
  }

  /// Links the inputs of a concatenation to its output.
  private mutating func join(_ index: Int) {
    let node = graph.nodes[index]
    guard let joining = node.operator as? any Joining,
      let offsets = joining.partOffsets(
        inputs: node.inputs.map { specs[$0.index] }, outputs: node.outputs.map { specs[$0.index] })
    else { return }
    var areAllInPlace = true
    for (input, offset) in zip(node.inputs, offsets) {
      let part = head(of: input.index)
      if links[part] == nil, producers[part] != nil, outputNames[part] == nil, !updates.contains(part),
        canLie(part, as: input.index, in: node.outputs[0].index)
      {
        link(part, .subview(of: node.outputs[0].index, at: offset, channels: specs[input.index].shape.channels))
      } else {
        areAllInPlace = false
      }
    }
    isElided[index] = areAllInPlace
  }

  /// Links the outputs of a split to its input, all or none.
  private mutating func split(_ index: Int) {
    let node = graph.nodes[index]
    guard let splitting = node.operator as? any Splitting,
      let offsets = splitting.partOffsets(
        inputs: node.inputs.map { specs[$0.index] }, outputs: node.outputs.map { specs[$0.index] })
    else { return }
    let whole = node.inputs[0].index
    for output in node.outputs {
      let part = output.index
      guard links[part] == nil, outputNames[part] == nil, !updates.contains(part), canLie(part, as: part, in: whole)
      else { return }
    }
    for (output, offset) in zip(node.outputs, offsets) {
      link(output.index, .subview(of: whole, at: offset, channels: specs[output.index].shape.channels))
    }
    isElided[index] = true
  }

  private mutating func link(_ value: Int, _ link: Link) {
    links[value] = link
    children[link.target].append(value)
  }

  /// Follows aliases to the value that a node computes.
  private func head(of value: Int) -> Int {
    var value = value
    while case .alias(let target) = links[value] { value = target }
    return value
  }

  private func owner(of value: Int) -> Int {
    var value = value
    while let link = links[value] { value = link.target }
    return value
  }

  /// Returns whether a value, with the rows of `shape`, can be a subview of another.
  private func canLie(_ value: Int, as shape: Int, in whole: Int) -> Bool {
    let rows = specs[shape].shape
    guard rows.rows > 1, rows.channels != specs[whole].shape.channels || isStrided(whole) else { return true }
    return specs[value].shape.channels == rows.channels && canBeStrided(value)
  }

  /// Returns whether the rows of a value are not contiguous.
  private func isStrided(_ value: Int) -> Bool { place(of: value).rowStride != specs[value].shape.channels }

  /// Returns whether all operators that compute or read a value, or its subviews, support row strides.
  private func canBeStrided(_ value: Int) -> Bool {
    let shape = specs[value].shape
    // A single row is always contiguous.
    if shape.rows <= 1 { return true }
    if updates.contains(value) { return false }
    func gives(_ node: Int) -> Bool { isElided[node] || graph.nodes[node].operator.takesRowStrides }
    func takes(_ node: Int) -> Bool {
      let (reader, inputs) = (graph.nodes[node].operator, graph.nodes[node].inputs)
      return isElided[node]
        || inputs.indices.allSatisfy { inputs[$0].index != value || reader.takesRowStrides(ofInput: $0) }
    }
    guard producers[value].map(gives) ?? false, readers[value].allSatisfy(takes) else { return false }
    return children[value].allSatisfy { child in
      switch links[child] {
      case .alias: specs[child].shape.channels == shape.channels && canBeStrided(child)
      case .subview(_, _, let channels): specs[child].shape.channels == channels && canBeStrided(child)
      case nil: true
      }
    }
  }

  private func place(of value: Int) -> Place {
    let shape = specs[value].shape
    switch links[value] {
    case nil: return Place(owner: value, offset: 0, rowStride: shape.channels)
    case .alias(let target):
      var place = place(of: target)
      if shape.rows <= 1 || specs[target].shape.channels != shape.channels { place.rowStride = shape.channels }
      return place
    case .subview(let whole, let offset, let channels):
      var place = place(of: whole)
      place.offset += offset.resolved(place.rowStride)
      if shape.rows <= 1 || channels != shape.channels { place.rowStride = shape.channels }
      return place
    }
  }
}
