import SegEngine

/// Operators that transformers have beside Attention: rotary positions and the cache of keys and values.
extension ONNXEvaluator {
  static let caches: [String: Body] = ["RotaryEmbedding": rotated, "TensorScatter": written]

  /// Computes RotaryEmbedding-23.
  @Sendable private static func rotated(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let x = try call.operand(0)
    let (cosines, sines) = (try call.operand(1), try call.operand(2))
    guard x.type.isFloat, cosines.type.isFloat, cosines.shape == sines.shape, x.shape.rank == 3 || x.shape.rank == 4
    else { throw ONNXFailure("\(x.type) \(x.shape) cannot be rotated by \(cosines.shape)") }
    let d = x.shape.dimensions
    let isFlat = d.count == 3
    let heads = isFlat ? try call.attributes.int("num_heads", default: 0) : d[1]
    guard heads > 0, !isFlat || d[2] % heads == 0 else { throw ONNXFailure("\(x.shape) has no \(heads) heads") }
    let (batch, tokens, size) = (d[0], isFlat ? d[1] : d[2], isFlat ? d[2] / heads : d[3])
    let given = try call.attributes.int("rotary_embedding_dim", default: 0)
    let width = given == 0 ? size : given
    guard width > 0, width <= size, width % 2 == 0, cosines.shape.dimensions.last == width / 2 else {
      throw ONNXFailure("\(width) of \(size) channels cannot be rotated by \(cosines.shape)")
    }
    let half = width / 2
    var lines: [Int]
    if call.optional(3) != nil {
      let positions = try call.operand(3)
      guard positions.shape.dimensions == [batch, tokens], cosines.shape.rank == 2 else {
        throw ONNXFailure("positions of \(positions.shape) do not fit \(x.shape)")
      }
      lines = try indices(positions, below: cosines.shape[0])
    } else {
      guard cosines.shape.dimensions == [batch, tokens, half] else {
        throw ONNXFailure("\(cosines.shape) does not fit \(x.shape)")
      }
      lines = Array(0..<batch * tokens)
    }
    let isInterleaved = try call.attributes.flag("interleaved")
    let (values, c, s) = (x.floats, cosines.floats, sines.floats)
    var results = values
    for image in 0..<batch {
      for token in 0..<tokens {
        let line = lines[image * tokens + token] * half
        for head in 0..<heads {
          let start =
            isFlat ? ((image * tokens + token) * heads + head) * size : ((image * heads + head) * tokens + token) * size
          for index in 0..<half {
            let (a, b) =
              isInterleaved ? (start + 2 * index, start + 2 * index + 1) : (start + index, start + half + index)
            results[a] = c[line + index] * values[a] - s[line + index] * values[b]
            results[b] = s[line + index] * values[a] + c[line + index] * values[b]
          }
        }
      }
    }
    return [ONNXConstant(x.type, x.shape, floats: results)]
  }

  /// Computes TensorScatter-24.
  @Sendable private static func written(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (cache, update) = (try call.operand(0), try call.operand(1))
    let axis = try call.axis(of: cache.shape, default: -2)
    guard axis > 0, cache.type == update.type, cache.shape.rank == update.shape.rank,
      cache.shape.dimensions.indices.allSatisfy({ $0 == axis || cache.shape[$0] == update.shape[$0] })
    else { throw ONNXFailure("an update of \(update.shape) does not fit \(cache.shape)") }
    let isCircular: Bool
    switch try call.attributes.string("mode", default: "linear") {
    case "linear": isCircular = false
    case "circular": isCircular = true
    default: throw ONNXFailure("its mode is neither linear nor circular")
    }
    guard update.shape.elementCount > 0 else { return [cache] }
    let starts = call.optional(2) == nil ? [Int](repeating: 0, count: cache.shape[0]) : try call.ints(2)
    let (extent, count) = (cache.shape[axis], update.shape[axis])
    guard starts.count == cache.shape[0], count <= extent || isCircular,
      starts.allSatisfy({ $0 >= 0 && (isCircular || $0 <= extent - count) })
    else { throw ONNXFailure("indices \(starts) do not fit \(update.shape) into \(cache.shape)") }
    let all = cache.shape.elementCount
    // The place of each element of the result: in the cache, or behind it in the update.
    var table = Array(0..<all)
    let strides = cache.shape.strides
    let target = Offsets.table(update.shape) { $0 == axis ? 0 : $1 * strides[$0] }
    let along = Offsets.table(update.shape) { $0 == axis ? $1 : 0 }
    for index in target.indices {
      let place = starts[target[index] / strides[0]] + along[index]
      table[target[index] + (isCircular ? place % extent : place) * strides[axis]] = all + index
    }
    func written<N: Numeral>(_: N.Type) -> ONNXConstant {
      let values = N.values(of: cache) + N.values(of: update)
      return N.constant(cache.type, cache.shape, table.map { values[$0] })
    }
    return [cache.type.isFloat ? written(Float.self) : written(Int64.self)]
  }
}
