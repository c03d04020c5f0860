/// The receptive fields of all values of a graph with respect to one of its inputs.
public struct ReceptiveFields: Sendable {
  /// The first output of an operator.
  public struct Layer: Sendable {
    /// The node's name.
    public let name: String
    /// The operator's name.
    public let operation: String
    /// A short description of its attributes.
    public let attributes: String
    /// The output's shape.
    public let output: TensorSpec
    /// The receptive field; `nil` if the output does not depend on the input.
    public let field: ReceptiveField?
  }

  /// The operators in execution order.
  public let layers: [Layer]
  private let walk: DependenceWalk
  private let fields: [ReceptiveField?]
  private let graph: Graph

  /// Computes the receptive fields in a graph for given input shapes.
  ///
  /// - Parameters:
  ///   - graph: The network.
  ///   - input: The input's name; by default the graph's first input. It is `[batch, height, width, channels]`.
  ///   - shapes: Shapes of inputs by name. Inputs that are not listed keep their shape.
  /// - Throws: ``GraphError`` if the graph does not support the shapes, or has no such input.
  public init(
    _ graph: Graph, of input: String? = nil, inputs shapes: [String: Shape] = [:]
  ) throws(GraphError) {
    let name = input ?? graph.inputs.first?.name ?? ""
    guard let port = graph.inputs.first(where: { $0.name == name }) else {
      throw .unknownInput(name: name, expected: graph.inputs.map(\.name))
    }
    let specs = try graph.specs(forInputs: shapes)
    let walk = DependenceWalk(graph, specs, source: port.value)
    fields = walk.fields()
    self.walk = walk
    self.graph = graph
    var layers: [Layer] = []
    for node in graph.nodes {
      layers.append(
        Layer(
          name: node.name, operation: type(of: node.operator).name, attributes: node.operator.attributes,
          output: specs[node.outputs[0].index], field: fields[node.outputs[0].index]))
    }
    self.layers = layers
  }

  /// The receptive field of a value; `nil` if it does not depend on the input.
  public subscript(value: Graph.ValueID) -> ReceptiveField? { fields[value.index] }

  /// The receptive field of an output; `nil` if there is no such output or it does not depend on the input.
  public subscript(output name: String) -> ReceptiveField? {
    graph.outputs.first { $0.name == name }.flatMap { fields[$0.value.index] }
  }

  /// The smallest shift of the input, in pixels, that shifts every value by whole pixels: the common multiple of all
  /// jumps. `nil` if a jump is neither an integer nor the reciprocal of one.
  public var period: Int? {
    commonPeriod(fields.lazy.compactMap { $0 }.flatMap { [$0.height.jump, $0.width.jump] })
  }

  /// The range of rows and columns that an output's pixels read, relative to the pixel, over all pixels. `nil` if they
  /// read everything, or the output does not have the input's resolution (a jump other than 1).
  public func reach(ofOutput name: String) -> (rows: ClosedRange<Int>, columns: ClosedRange<Int>)? {
    guard let port = graph.outputs.first(where: { $0.name == name }), let field = fields[port.value.index],
      !field.isGlobal, abs(field.height.jump - 1) < 1e-9, abs(field.width.jump - 1) < 1e-9, let period
    else { return nil }
    guard let rows = walk.reach(of: port.value, along: .height, period: period),
      let columns = walk.reach(of: port.value, along: .width, period: period)
    else { return nil }
    return (rows, columns)
  }

  /// For each row and column of an output, the input rows and columns that it reads, in ascending order, including
  /// borders and holes. `nil` if there is no such output.
  ///
  /// An output pixel reads no pixels of other rows and columns. It reads every combination of them, unless branches of
  /// the graph read different combinations.
  public func seen(by output: String) -> (rows: [[Int]], columns: [[Int]])? {
    guard let port = graph.outputs.first(where: { $0.name == output }) else { return nil }
    return (walk.seen(by: port.value, along: .height), walk.seen(by: port.value, along: .width))
  }
}

extension Graph {
  /// ``ReceptiveFields/period`` of the first input, for the shapes the graph was built with. It does not compute the
  /// receptive fields, which is slow for large graphs.
  package func stridePeriod() throws(GraphError) -> Int? {
    guard let input = inputs.first else { return nil }
    let locality = DependenceWalk(self, try specs(forInputs: [:]), source: input.value).locality()
    return commonPeriod(
      locality.jumps.indices.lazy.filter { locality.isLocal[$0] }.flatMap {
        [locality.jumps[$0].height, locality.jumps[$0].width]
      })
  }
}

/// The common multiple of all jumps that are not 0; `nil` if one is neither an integer nor the reciprocal of one.
private func commonPeriod(_ jumps: some Sequence<Double>) -> Int? {
  var period = 1
  for jump in jumps where jump > 0 {
    let whole = Int(max(jump, 1).rounded())
    let parts = jump < 1 ? 1 / jump : jump
    guard abs(parts - parts.rounded()) < 1e-9 else { return nil }
    period = period / greatestCommonDivisor(period, whole) * whole
  }
  return period
}

/// Traces the dependence of values on an input backwards.
private struct DependenceWalk: Sendable {
  enum Axis { case height, width }

  private struct Edge: Sendable {
    let source: Int
    let reach: SpatialReach
  }

  private let specs: [TensorSpec]
  private let source: Int
  /// The dependences of each value. Values come after those they depend on, in the order of ``order``.
  private var edges: [[Edge]]
  private var order: [Int] = []

  init(_ graph: Graph, _ specs: [TensorSpec], source: Graph.ValueID) {
    self.specs = specs
    self.source = source.index
    edges = Array(repeating: [], count: specs.count)
    for node in graph.nodes {
      let inputs = node.inputs.map { specs[$0.index] }
      let outputs = node.outputs.map { specs[$0.index] }
      let reaches = node.inputs.indices.map { node.operator.reach(ofInput: $0, inputs: inputs, outputs: outputs) }
      for output in node.outputs {
        order.append(output.index)
        edges[output.index] = zip(node.inputs, reaches).map { Edge(source: $0.index, reach: $1) }
      }
    }
  }

  /// The kind of dependence of each value, by index.
  struct Locality {
    /// Whether a value depends on the input, reads all of it on some path, and reads a part of it on some path.
    var depends, isGlobal, isLocal: [Bool]
    /// The distance in the input between neighbouring pixels, for values that read a part of it.
    var jumps: [(height: Double, width: Double)]
    /// Whether any operator upsamples a map.
    var magnifies = false
  }

  func locality() -> Locality {
    let none = [Bool](repeating: false, count: specs.count)
    var result = Locality(
      depends: none, isGlobal: none, isLocal: none, jumps: .init(repeating: (1, 1), count: specs.count))
    (result.depends[source], result.isLocal[source]) = (true, true)
    for value in order {
      for edge in edges[value] where result.depends[edge.source] {
        guard case .axes(let height, let width) = edge.reach else { continue }
        let isEverything = height.isEverything || width.isEverything
        result.depends[value] = true
        result.isGlobal[value] = result.isGlobal[value] || result.isGlobal[edge.source] || isEverything
        guard result.isLocal[edge.source], !isEverything else { continue }
        result.magnifies = result.magnifies || height.scale < 1 || width.scale < 1
        // The first path determines the jump; other paths have the same.
        if !result.isLocal[value] {
          let below = result.jumps[edge.source]
          result.jumps[value] = (below.height * height.scale, below.width * width.scale)
        }
        result.isLocal[value] = true
      }
    }
    return result
  }

  /// The receptive fields of all values.
  func fields() -> [ReceptiveField?] {
    let locality = locality()
    let spans = Spans(self)
    let whole = specs[source].mapExtent
    return specs.indices.map { value in
      guard locality.depends[value] else { return nil }
      func field(_ axis: Axis, _ extent: Int, _ whole: Int, _ jump: Double) -> ReceptiveField.Axis {
        guard locality.isLocal[value] else { return .init(size: whole, jump: 0, offset: Double(whole - 1) / 2) }
        // Upsampling by factors up to 32 repeats within this number of positions.
        let middle = extent / 2
        let sizes = (middle..<middle + (locality.magnifies ? 32 : 1)).compactMap {
          spans.span(of: value, $0...$0, axis)?.count
        }
        let first = spans.span(of: value, 0...0, axis)
        return .init(
          size: sizes.max() ?? 0, jump: jump, offset: first.map { Double($0.lowerBound + $0.upperBound) / 2 } ?? 0)
      }
      let extent = specs[value].mapExtent
      return ReceptiveField(
        height: field(.height, extent.height, whole.height, locality.jumps[value].height),
        width: field(.width, extent.width, whole.width, locality.jumps[value].width),
        isGlobal: locality.isGlobal[value])
    }
  }

  /// The range of input positions that a value's positions read, relative to the position, over one period.
  func reach(of value: Graph.ValueID, along axis: Axis, period: Int) -> ClosedRange<Int>? {
    let spans = Spans(self)
    let middle = extent(value.index, axis) / 2
    return (middle..<middle + period).compactMap { position -> ClosedRange<Int>? in
      spans.span(of: value.index, position...position, axis).map { $0.lowerBound - position...$0.upperBound - position }
    }.reduce(nil) { whole, own in
      whole.map { min($0.lowerBound, own.lowerBound)...max($0.upperBound, own.upperBound) } ?? own
    }
  }

  /// The input positions that each position of a value depends on.
  func seen(by value: Graph.ValueID, along axis: Axis) -> [[Int]] {
    let length = extent(source, axis)
    var sets: [[BitSet]?] = Array(repeating: nil, count: specs.count)
    sets[source] = (0..<length).map { BitSet(length, holding: $0) }
    for target in order {
      var own: [BitSet]?
      for edge in edges[target] {
        guard let below = sets[edge.source], case .axes(let height, let width) = edge.reach else { continue }
        let reach = axis == .height ? height : width
        own = own ?? Array(repeating: BitSet(length), count: extent(target, axis))
        for output in own!.indices {
          for position in reach.positions(output) { own![output].formUnion(below[position]) }
        }
      }
      sets[target] = own
    }
    let result = sets[value.index] ?? Array(repeating: BitSet(length), count: extent(value.index, axis))
    return result.map(\.members)
  }

  private func extent(_ value: Int, _ axis: Axis) -> Int {
    axis == .height ? specs[value].mapExtent.height : specs[value].mapExtent.width
  }

  /// A cache of the input ranges that ranges of values read on an unbounded image, on paths that are not global.
  private final class Spans {
    private struct Key: Hashable {
      let value: Int
      let range: ClosedRange<Int>
      let axis: Axis
    }

    private let walk: DependenceWalk
    private var found: [Key: ClosedRange<Int>?] = [:]

    init(_ walk: DependenceWalk) { self.walk = walk }

    func span(of value: Int, _ range: ClosedRange<Int>, _ axis: Axis) -> ClosedRange<Int>? {
      if value == walk.source { return range }
      let key = Key(value: value, range: range, axis: axis)
      if let known = found[key] { return known }
      var result: ClosedRange<Int>?
      for edge in walk.edges[value] {
        guard case .axes(let height, let width) = edge.reach else { continue }
        let reach = axis == .height ? height : width
        guard !height.isEverything, !width.isEverything else { continue }
        // Between the positions that a transposed convolution writes are positions that read nothing.
        guard let first = range.lazy.compactMap(reach.span).first,
          let last = range.reversed().lazy.compactMap(reach.span).first,
          let own = span(
            of: edge.source,
            min(first.lowerBound, last.lowerBound)...max(first.upperBound, last.upperBound), axis)
        else { continue }
        result = result.map { min($0.lowerBound, own.lowerBound)...max($0.upperBound, own.upperBound) } ?? own
      }
      found[key] = .some(result)
      return result
    }
  }
}

/// A set of integers below a limit.
private struct BitSet {
  private var words: [UInt64]

  init(_ limit: Int) { words = Array(repeating: 0, count: (limit + 63) / 64) }

  init(_ limit: Int, holding member: Int) {
    self.init(limit)
    words[member / 64] |= 1 << UInt64(member % 64)
  }

  mutating func formUnion(_ other: BitSet) { for index in words.indices { words[index] |= other.words[index] } }

  /// The members in ascending order.
  var members: [Int] {
    words.indices.flatMap { index in (0..<64).filter { words[index] >> UInt64($0) & 1 == 1 }.map { index * 64 + $0 } }
  }
}
