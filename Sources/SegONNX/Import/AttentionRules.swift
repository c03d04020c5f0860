import SegEngine

extension ONNXImporter {
  /// Attention-23 and later.
  static let attentionRules: [String: Rule] = [
    "Attention": { step in try ONNXAttention(step)?.results() }
  ]
}

/// An Attention node (Attention-25; versions 23 and 24 are parts of it).
///
/// Where no score has to be seen, the engine's ``Attention`` computes it. Otherwise the scores are computed by operators
/// of the engine one after the other.
private struct ONNXAttention {
  let step: ONNXStep
  /// Queries, keys and values in the memory order `[batch, tokens, heads, channels]`; keys and values follow the past.
  let queries, keys, values: Value
  let heads, keyHeads: Int
  /// The number of keys before those of the node's input.
  let past: Int
  let scale: Float
  let softcap: Float
  let isFlat: Bool

  private var batch: Int { queries.shape[0] }
  private var rows: Int { queries.shape[1] }
  private var columns: Int { keys.shape[1] }

  /// Reads a node; `nil` if its inputs are not of floating-point type.
  init?(_ step: ONNXStep) throws {
    guard (0..<3).allSatisfy(step.isFloat) else { return nil }
    let (q, k, v) = (try step.input(0), try step.input(1), try step.input(2))
    guard q.rank == k.rank, q.rank == v.rank, q.rank == 3 || q.rank == 4 else {
      throw ONNXFailure("\(q.dimensions), \(k.dimensions) and \(v.dimensions) are not all of rank 3 or all of rank 4")
    }
    self.step = step
    isFlat = q.rank == 3
    let attributes = step.attributes
    heads = isFlat ? try attributes.int("q_num_heads", default: 0) : q.dimensions[1]
    keyHeads = isFlat ? try attributes.int("kv_num_heads", default: 0) : k.dimensions[1]
    guard heads > 0, keyHeads > 0, heads % keyHeads == 0 else {
      throw ONNXFailure("\(keyHeads) heads of keys do not fit \(heads) heads of queries")
    }
    let isFlat = isFlat
    func tokens(_ value: ONNXValue, _ heads: Int) throws(ONNXFailure) -> Value {
      if !isFlat { return step.importer.arranged(value, as: [0, 2, 1, 3]) }
      let extents = value.dimensions
      guard extents[2] % heads == 0 else { throw ONNXFailure("\(extents) has no \(heads) heads") }
      return step.importer.arranged(value).apply(
        Reshape(to: .dimensions([extents[0], extents[1], heads, extents[2] / heads])), named: step.node.name + ".heads")
    }
    func joined(_ past: ONNXValue?, _ value: Value) -> Value {
      guard let past, !past.dimensions.contains(0) else { return value }
      return step.importer.arranged(past, as: [0, 2, 1, 3]).apply(
        Concat(axis: 1), named: step.node.name + ".present", with: [value])
    }
    let (pastKey, pastValue) = (step.optional(4), step.optional(5))
    guard (pastKey == nil) == (pastValue == nil), pastKey?.rank ?? 4 == 4, pastValue?.rank ?? 4 == 4,
      pastKey == nil || step.optional(6) == nil
    else { throw ONNXFailure("its past keys and values do not go together") }
    past = pastKey?.dimensions[2] ?? 0
    queries = try tokens(q, heads)
    keys = joined(pastKey, try tokens(k, keyHeads))
    values = joined(pastValue, try tokens(v, keyHeads))
    guard keys.shape.rank == 4, values.shape.rank == 4, queries.shape[3] == keys.shape[3],
      keys.shape[1] == values.shape[1], keys.shape[0] == queries.shape[0], values.shape[0] == queries.shape[0],
      values.shape[2] == keyHeads
    else {
      throw ONNXFailure("queries \(q.dimensions), keys \(k.dimensions) and values \(v.dimensions) do not go together")
    }
    scale = try attributes.float("scale") ?? 1 / Float(max(1, queries.shape[3])).squareRoot()
    softcap = try attributes.float("softcap", default: 0)
  }

  func results() throws -> [ONNXValue] {
    let type = try step.input(0).type
    let bias = try bias()
    let outputs = step.node.outputs
    let givesScores = outputs.count > 3 && !outputs[3].isEmpty
    var results: [ONNXValue] = []
    if heads == keyHeads, softcap == 0, !givesScores, bias?.isComplete ?? true {
      let y = step.apply(
        Attention(heads: heads, scale: scale), flat(queries),
        [flat(keys), flat(values)] + (bias.map { [$0.value] } ?? []))
      results.append(output(y, type))
    } else {
      let (y, scores) = try composed(bias)
      results = [output(y, type)]
      if givesScores { return results + present(type) + [ONNXValue(type, scores)] }
    }
    return outputs.count > 1 ? results + present(type) : results
  }

  /// Returns the keys and values, those of the past included, as the node's outputs.
  private func present(_ type: ONNXElement) -> [ONNXValue] {
    [ONNXValue(type, keys, axes: [0, 2, 1, 3]), ONNXValue(type, values, axes: [0, 2, 1, 3])]
  }

  /// Returns `[batch, tokens, heads · channels]`.
  private func flat(_ value: Value) -> Value {
    let shape = value.shape
    return value.apply(
      Reshape(to: .dimensions([shape[0], shape[1], shape[2] * shape[3]])), named: step.node.name + ".flat")
  }

  /// Returns the node's result from `[batch, tokens, heads · channels]`.
  private func output(_ value: Value, _ type: ONNXElement) -> ONNXValue {
    if isFlat { return ONNXValue(type, value) }
    let extents = [batch, rows, heads, values.shape[3]]
    return ONNXValue(
      type, value.apply(Reshape(to: .dimensions(extents)), named: step.node.name + ".reshape"), axes: [0, 2, 1, 3])
  }

  /// Computes the scores and what follows them by operators of their own. Returns `[batch, tokens, heads · channels]`, and
  /// the scores that the attribute `qk_matmul_output_mode` asks for.
  private func composed(_ bias: Bias?) throws -> (Value, scores: Value) {
    let name = step.node.name
    /// Returns `[batch, heads, tokens, channels]`, the heads of keys and values repeated for those of the queries.
    func lines(_ value: Value) -> Value {
      var value = value
      if value.shape[2] != heads {
        let s = value.shape
        let times = heads / s[2]
        value = value.apply(Reshape(to: .dimensions([s[0], s[1], s[2], 1, s[3]])), named: name + ".groups")
          .apply(Broadcast(to: .shape([s[0], s[1], s[2], times, s[3]])), named: name + ".repeat")
          .apply(Reshape(to: .dimensions([s[0], s[1], heads, s[3]])), named: name + ".heads")
      }
      return value.apply(Transpose([0, 2, 1, 3]), named: name + ".transpose")
    }
    let mode = try step.attributes.int("qk_matmul_output_mode", default: 0)
    let root = scale.magnitude.squareRoot()
    var scores = (lines(queries) * (scale < 0 ? -root : root)).apply(
      MatMul(transposingB: true), named: name + ".scores", with: [lines(keys) * root])
    var wanted = scores
    if softcap > 0 { scores = (scores * (1 / softcap)).map(.tanh) * softcap }
    if mode == 1 { wanted = scores }
    var shifted = scores
    if let bias {
      if mode == 2 { wanted = scores + bias.value }
      // The bound keeps differences of two masked scores from being NaN.
      shifted = scores + bias.value.map(.clip(low: -3e38, high: .infinity))
    } else if mode == 2 {
      wanted = scores
    }
    var weights = shifted.apply(Softmax(axis: 3), named: name + ".softmax")
    if let guarding = try bias?.guarding() { weights = weights * guarding }
    if mode == 3 { wanted = weights }
    let product = weights.apply(MatMul(), named: name, with: [lines(values)])
    return (flat(product.apply(Transpose([0, 2, 1, 3]), named: name + ".transpose")), wanted)
  }

  // MARK: Masks

  /// What is added to the scores: a value that broadcasts to `[batch, heads, rows, columns]`.
  private struct Bias {
    let step: ONNXStep
    let value: Value
    /// Whether it is constant, and no row is −∞ throughout.
    let isComplete: Bool
    /// Whether a row may be −∞ throughout.
    let hasEmptyRows: Bool

    /// Returns 0 for rows that are −∞ throughout and 1 for the others; `nil` if there are none.
    func guarding() throws -> Value? {
      guard hasEmptyRows else { return nil }
      let largest = value.apply(Reduce(.maximum, axes: [value.shape.rank - 1]), named: step.node.name + ".largest")
      let isEmpty = try step.evaluated(
        "IsInf", [ONNXValue(.float, largest)], ["detect_positive": .int(0)])
      return step.importer.arranged(try step.evaluated("Where", [isEmpty, step.number(0), step.number(1)]))
    }
  }

  /// Returns the mask, the causal order, the window and the padding as one value; `nil` if nothing is masked.
  private func bias() throws -> Bias? {
    var known: ONNXConstant?
    var flowing: Value?
    func add(_ constant: ONNXConstant) throws {
      known = try known.map { try step.computed("Add", [$0, constant]) } ?? constant
    }
    func add(_ value: Value) { flowing = flowing.map { $0 + value } ?? value }
    if let mask = step.optional(3) {
      let missing = columns - (mask.dimensions.last ?? 1)
      let isOne = mask.dimensions.last ?? 1 == 1 && columns != 1
      let hidden = ONNXConstant(.float, [], floats: [-.infinity]), shown = ONNXConstant(.float, [], floats: [0])
      guard (1...4).contains(mask.rank), mask.type == .bool || mask.type.isFloat, missing >= 0 else {
        throw ONNXFailure(
          "its mask of \(mask.type) \(mask.dimensions) does not fit \(rows) queries and \(columns) keys")
      }
      let pads = [Int](repeating: 0, count: 2 * mask.rank - 1) + [missing]
      if let constant = mask.known {
        var numbers = constant
        if constant.type == .bool { numbers = try step.computed("Where", [constant, shown, hidden]) }
        if missing > 0, !isOne {
          let amounts = ONNXConstant(.int64, [pads.count], integers: pads.map { Int64($0) })
          numbers = try step.computed("Pad", [numbers, amounts, ONNXConstant(numbers.type, [], floats: [-.infinity])])
        }
        try add(ONNXConstant(.float, numbers.tensor))
      } else {
        let numbers =
          mask.type == .bool
          ? try step.evaluated("Where", [mask, ONNXValue(shown), ONNXValue(hidden)]) : mask
        var value = step.importer.arranged(numbers)
        if missing > 0, !isOne {
          value = value.apply(
            Pad([.init(axis: mask.rank - 1, before: 0, after: missing)], mode: .constant(-.infinity)),
            named: step.node.name + ".mask")
        }
        add(value)
      }
    }
    let isCausal = try step.attributes.flag("is_causal")
    let left = try step.attributes.int("left_window_size", default: -1)
    let right = try step.attributes.int("right_window_size", default: -1)
    let bounds = (
      low: left >= 0 ? left : nil, high: isCausal ? min(0, right >= 0 ? right : 0) : right >= 0 ? right : nil
    )
    let lengths = step.optional(6)
    if let lengths {
      guard lengths.dimensions == [batch], !lengths.type.isFloat else {
        throw ONNXFailure("its lengths of \(lengths.type) \(lengths.dimensions) are not those of \(batch) sequences")
      }
      // A key is seen if its index is below the length and between the bounds around query + length − rows.
      let index = ONNXValue(ONNXConstant(.int64, [1, 1, 1, columns], integers: (0..<columns).map { Int64($0) }))
      let query = ONNXValue(ONNXConstant(.int64, [1, 1, rows, 1], integers: (0..<rows).map { Int64($0 - rows) }))
      let length = try step.shaped(
        try step.evaluated("Cast", [lengths], ["to": .int(Int(ONNXElement.int64.rawValue))]), [batch, 1, 1, 1])
      let place = try step.evaluated("Add", [query, length])
      func offset(_ by: Int) throws -> ONNXValue {
        try step.evaluated("Add", [place, ONNXValue(ONNXConstant(.int64, [], integers: [Int64(by)]))])
      }
      var isSeen = try step.evaluated("Less", [index, length])
      if let high = bounds.high {
        isSeen = try step.evaluated("And", [isSeen, try step.evaluated("LessOrEqual", [index, try offset(high)])])
      }
      if let low = bounds.low {
        isSeen = try step.evaluated("And", [isSeen, try step.evaluated("GreaterOrEqual", [index, try offset(-low)])])
      }
      let numbers = try step.evaluated("Where", [isSeen, step.number(0), step.number(-.infinity)])
      if let constant = numbers.known { try add(constant) } else { add(step.importer.arranged(numbers)) }
    } else if bounds.low != nil || bounds.high != nil {
      guard rows.multipliedReportingOverflow(by: columns).overflow == false,
        rows * columns <= ONNXEvaluator.limits.elements
      else { throw ONNXFailure("its mask of \(rows) × \(columns) is too large") }
      var numbers = [Float](repeating: 0, count: rows * columns)
      for row in 0..<rows {
        let place = row + past
        for column in 0..<columns
        where (bounds.high.map { column > place + $0 } ?? false) || (bounds.low.map { column < place - $0 } ?? false) {
          numbers[row * columns + column] = -.infinity
        }
      }
      try add(ONNXConstant(.float, [rows, columns], floats: numbers))
    }
    let full = [batch, heads, rows, columns]
    func fitting(_ shape: [Int]) throws -> [Int] {
      let extents = [Int](repeating: 1, count: max(0, 4 - shape.count)) + shape
      guard extents.count == 4, zip(extents, full).allSatisfy({ $0 == 1 || $0 == $1 }) else {
        throw ONNXFailure("its mask of \(shape) does not broadcast to \(full)")
      }
      return extents
    }
    guard let value = flowing else {
      guard let known else { return nil }
      // The engine's operator wants all rows and columns.
      let extents = try fitting(known.shape.dimensions)
      let whole = known.reshaped(Shape(extents)).broadcast(to: Shape([extents[0], extents[1], rows, columns]))
      let numbers = whole.floats
      var isComplete = true
      for start in stride(from: 0, to: numbers.count, by: max(1, columns))
      where numbers[start..<start + columns].allSatisfy({ $0 == -.infinity }) { isComplete = false }
      return Bias(
        step: step, value: step.builder.constant(whole.tensor), isComplete: isComplete, hasEmptyRows: !isComplete)
    }
    var sum = value.apply(
      Reshape(to: .dimensions(try fitting(value.shape.dimensions))), named: step.node.name + ".mask")
    if let known {
      sum = sum + step.builder.constant(known.reshaped(Shape(try fitting(known.shape.dimensions))).tensor)
    }
    return Bias(step: step, value: sum, isComplete: false, hasEmptyRows: true)
  }
}
