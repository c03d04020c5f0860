import SegEngine

/// Operators on sequences of tensors. During import a sequence is a list of values; no operator of the engine is added for
/// it. Optional values are the values themselves.
extension ONNXImporter {
  static let sequenceOperators: Set<String> = [
    "SequenceEmpty", "SequenceConstruct", "SequenceInsert", "SequenceErase", "SequenceAt", "SequenceLength",
    "SplitToSequence", "ConcatFromSequence", "Optional", "OptionalGetElement", "OptionalHasElement",
  ]

  /// Adds a node that reads or makes a sequence or an optional value. Returns `false` for other nodes.
  func addSequence(_ node: ONNXNode) throws -> Bool {
    let isAbout = ONNXImporter.sequenceOperators.contains(node.kind) && node.domain.isEmpty
    guard isAbout || node.kind == "Identity" && node.inputs.contains(where: { sequences[$0] != nil }) else {
      return false
    }
    guard let output = node.outputs.first, node.outputs.count == 1 else { throw ONNXFailure("it has one output") }
    func sequence() throws(ONNXFailure) -> [ONNXValue] {
      guard let name = node.inputs.first, let sequence = sequences[name] else {
        throw ONNXFailure("its input 0 is no sequence")
      }
      return sequence
    }
    func tensor(_ index: Int) throws(ONNXFailure) -> ONNXValue {
      guard index < node.inputs.count, let value = values[node.inputs[index]] else {
        throw ONNXFailure("its input \(index) is no tensor")
      }
      return value
    }
    /// Returns a place in the sequence; `nil` if the input is omitted.
    func place(_ index: Int, of count: Int, isGap: Bool = false) throws(ONNXFailure) -> Int? {
      guard index < node.inputs.count, !node.inputs[index].isEmpty else { return nil }
      let step = ONNXStep(importer: self, node: node, inputs: node.inputs.map { values[$0] })
      guard let given = try step.known(index, "place"), given.shape.elementCount == 1, !given.type.isFloat else {
        throw ONNXFailure("its place is no whole number")
      }
      let number = given.ints[0]
      let place = number < 0 ? number + count : number
      guard place >= 0, place < count + (isGap ? 1 : 0) else {
        throw ONNXFailure("there is no place \(number) in a sequence of \(count)")
      }
      return place
    }
    var list: [ONNXValue]
    switch node.kind {
    case "SequenceEmpty": list = []
    case "SequenceConstruct": list = try node.inputs.indices.map { index throws(ONNXFailure) in try tensor(index) }
    case "SequenceInsert":
      list = try sequence()
      list.insert(try tensor(1), at: try place(2, of: list.count, isGap: true) ?? list.count)
    case "SequenceErase":
      list = try sequence()
      guard let last = list.indices.last else { throw ONNXFailure("its sequence is empty") }
      list.remove(at: try place(1, of: list.count) ?? last)
    case "SequenceAt":
      list = try sequence()
      guard let index = try place(1, of: list.count) else { throw ONNXFailure("its place is missing") }
      define(output, list[index])
      return true
    case "SequenceLength":
      define(output, ONNXValue(ONNXConstant(.int64, [], integers: [Int64(try sequence().count)])))
      return true
    case "SplitToSequence": list = try split(node, try tensor(0))
    case "ConcatFromSequence":
      define(output, try joined(node, try sequence()))
      return true
    case "OptionalHasElement":
      let isThere = node.inputs.first.map { values[$0] != nil || sequences[$0] != nil } ?? false
      define(output, ONNXValue(ONNXConstant(.bool, [], integers: [isThere ? 1 : 0])))
      return true
    case "Optional" where node.inputs.allSatisfy(\.isEmpty): return true  // a value that is not there
    default:
      guard let name = node.inputs.first, let list = sequences[name] else {
        define(output, try tensor(0))
        return true
      }
      sequences[output] = list
      return true
    }
    guard sequences.updateValue(list, forKey: output) == nil else {
      throw ONNXFailure("two values are named \(output)")
    }
    return true
  }

  /// Returns the results of another operator with given inputs and attributes.
  private func applied(
    _ kind: String, to inputs: [ONNXValue], _ node: ONNXNode, _ attributes: [String: ONNXAttributes.Value],
    outputCount: Int = 1
  ) throws -> [ONNXValue] {
    let part = node.part(
      kind, isPresent: inputs.map { _ in true }, outputs: (0..<outputCount).map { "\(node.name) \(kind) result \($0)" },
      opset: min(node.opset, 11), attributes)
    let results = try results(of: part, inputs)
    return isFollowed ? results.map(\.withoutFlowIfEmpty) : results
  }

  private func joined(_ node: ONNXNode, _ list: [ONNXValue]) throws -> ONNXValue {
    guard !list.isEmpty else { throw ONNXFailure("its sequence is empty") }
    guard let axis = try node.attributes.int("axis") else { throw ONNXFailure("it has no axis") }
    var list = list
    if try node.attributes.flag("new_axis") {
      list = try list.map { try applied("Unsqueeze", to: [$0], node, ["axes": .ints([axis])])[0] }
    }
    return try applied("Concat", to: list, node, ["axis": .int(axis)])[0]
  }

  /// Returns the parts of a tensor (SplitToSequence-24).
  private func split(_ node: ONNXNode, _ tensor: ONNXValue) throws -> [ONNXValue] {
    let step = ONNXStep(importer: self, node: node, inputs: node.inputs.map { values[$0] })
    let axis = try step.axis(try node.attributes.int("axis", default: 0), rank: tensor.rank)
    let extent = tensor.dimensions[axis]
    let given = try step.known(1, "split")
    let sizes: [Int]
    if let given, given.shape.rank == 1 {
      sizes = given.ints
    } else {
      let size = given?.ints.first ?? 1
      guard size > 0 else { throw ONNXFailure("parts of \(size) are not possible") }
      sizes = stride(from: 0, to: extent, by: size).map { min(size, extent - $0) }
    }
    guard sizes.allSatisfy({ $0 >= 0 }), sizes.reduce(0, clampedSum) == extent, sizes.count <= 1 << 16 else {
      throw ONNXFailure("the sizes \(sizes) do not add up to \(extent)")
    }
    if sizes.isEmpty { return [] }
    let parts =
      sizes.count == 1
      ? [tensor]
      : try applied("Split", to: [tensor], node, ["axis": .int(axis), "split": .ints(sizes)], outputCount: sizes.count)
    guard given == nil, try !node.attributes.flag("keepdims", default: true) else { return parts }
    return try parts.map { try applied("Squeeze", to: [$0], node, ["axes": .ints([axis])])[0] }
  }
}
