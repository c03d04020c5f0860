import Foundation
import SegEngine

/// Matrix products, Einsum and determinants.
extension ONNXEvaluator {
  static let products: [String: Body] = ["MatMul": matMul, "Gemm": gemm, "Einsum": einsum, "Det": determinant]

  /// Adds the product of two integer matrices to `result`. `offsets` are those of `a`, `b` and `result` in their
  /// arrays.
  private static func multiply(
    _ a: [Int64], _ b: [Int64], into result: inout [Int64], at offsets: (Int, Int, Int), rows: Int, inner: Int,
    columns: Int
  ) {
    // With no columns, the number of rows is not bounded by the size of the arrays.
    result.withUnsafeMutableBufferPointer { result in
      for row in 0..<(columns == 0 ? 0 : rows) {
        for k in 0..<inner {
          let factor = a[offsets.0 + row * inner + k]
          for column in 0..<columns {
            result[offsets.2 + row * columns + column] &+= factor &* b[offsets.1 + k * columns + column]
          }
        }
      }
    }
  }

  /// Returns the two inputs, which must be integers of the same type. The engine computes floating-point products.
  private static func integers(_ call: ONNXCall) throws(ONNXFailure) -> (ONNXConstant, ONNXConstant) {
    let (a, b) = (try call.operand(0), try call.operand(1))
    guard a.type == b.type else { throw ONNXFailure("its operands differ in type: \(a.type) and \(b.type)") }
    guard !a.type.isFloat else { throw ONNXFailure("\(a.shape) and \(b.shape) do not fit") }
    return (a, b)
  }

  @Sendable private static func matMul(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (a, b) = try integers(call)
    guard a.shape.rank > 0, b.shape.rank > 0 else {
      throw ONNXFailure("its operands of \(a.shape) and \(b.shape) are no matrices")
    }
    // As in NumPy, a vector on the left is a row and one on the right a column; the result lacks its axis (MatMul-13).
    let left = a.shape.rank == 1 ? [1] + a.shape.dimensions : a.shape.dimensions
    let right = b.shape.rank == 1 ? b.shape.dimensions + [1] : b.shape.dimensions
    let (rows, inner, columns) = (left[left.count - 2], left[left.count - 1], right[right.count - 1])
    guard right[right.count - 2] == inner else { throw ONNXFailure("\(a.shape) cannot be multiplied by \(b.shape)") }
    let (leftBatch, rightBatch) = (Shape(Array(left.dropLast(2))), Shape(Array(right.dropLast(2))))
    let batch = try call.broadcast([leftBatch, rightBatch])
    var dimensions = batch.dimensions
    if a.shape.rank > 1 { dimensions.append(rows) }
    if b.shape.rank > 1 { dimensions.append(columns) }
    let shape = try call.shape(dimensions)
    try call.spend(shape.elementCount, inner)
    let (lefts, rights) = (Offsets.broadcast(leftBatch, to: batch), Offsets.broadcast(rightBatch, to: batch))
    let (x, y) = (a.integers, b.integers)
    var result = [Int64](repeating: 0, count: shape.elementCount)
    for index in lefts.indices where shape.elementCount > 0 {
      multiply(
        x, y, into: &result, at: (lefts[index] * rows * inner, rights[index] * inner * columns, index * rows * columns),
        rows: rows, inner: inner, columns: columns)
    }
    return [ONNXConstant(a.type, shape, integers: result)]
  }

  @Sendable private static func gemm(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    var (a, b) = try integers(call)
    guard a.shape.rank == 2, b.shape.rank == 2 else {
      throw ONNXFailure("its operands of \(a.shape) and \(b.shape) are no matrices")
    }
    if try call.attributes.flag("transA") { a = transposed(a, [1, 0]) }
    if try call.attributes.flag("transB") { b = transposed(b, [1, 0]) }
    guard a.shape[1] == b.shape[0] else { throw ONNXFailure("\(a.shape) cannot be multiplied by \(b.shape)") }
    let (alpha, beta) = (try call.attributes.float("alpha", default: 1), try call.attributes.float("beta", default: 1))
    let shape = try call.shape([a.shape[0], b.shape[1]])
    try call.spend(shape.elementCount, a.shape[1])
    let addend = call.optional(2)
    if let addend {
      guard addend.type == a.type, try call.broadcast([shape, addend.shape]) == shape else {
        throw ONNXFailure("its operand of \(addend.type) \(addend.shape) cannot be added to \(shape)")
      }
    }
    func scaled(_ value: Int64, _ factor: Float) -> Int64 {
      factor == 1 ? value : ONNXCall.integer(Float(value) * factor)
    }
    var result = [Int64](repeating: 0, count: shape.elementCount)
    multiply(
      a.integers, b.integers, into: &result, at: (0, 0, 0), rows: shape[0], inner: a.shape[1], columns: shape[1])
    result = result.map { scaled($0, alpha) }
    if let addend { result = merge(result, addend.broadcast(to: shape).integers) { $0 &+ scaled($1, beta) } }
    return [ONNXConstant(a.type, shape, integers: result)]
  }

  /// A parsed Einsum-12 equation: for each axis of an input its label. A label is the code of a letter, or a negative
  /// number for an axis of the ellipsis.
  private struct Equation {
    var operands: [[Int]] = []
    var result: [Int] = []

    init(_ text: String, ranks: [Int]) throws(ONNXFailure) {
      let compact = text.filter { $0 != " " }
      let sides = compact.components(separatedBy: "->")
      guard sides.count <= 2 else { throw ONNXFailure("its equation \(text) has two arrows") }
      let terms = sides[0].components(separatedBy: ",")
      guard terms.count == ranks.count else {
        throw ONNXFailure("its equation \(text) does not fit \(ranks.count) operands")
      }
      var rest = 0
      for (term, rank) in zip(terms, ranks) {
        let letters = term.replacingOccurrences(of: "...", with: "")
        guard term.contains("...") ? letters.count <= rank : letters.count == rank else {
          throw ONNXFailure("its equation \(text) does not fit an operand of \(rank) axes")
        }
        rest = max(rest, rank - letters.count)
      }
      // The axes of an ellipsis are aligned at its end, as in broadcasting; the last has label −1.
      func spread(_ term: String, over width: Int) throws(ONNXFailure) -> [Int] {
        let parts = term.components(separatedBy: "...")
        guard parts.count <= 2 else { throw ONNXFailure("its equation \(text) has two ellipses in a term") }
        var labels: [[Int]] = []
        for part in parts {
          guard part.unicodeScalars.allSatisfy({ $0.isASCII && $0.properties.isAlphabetic }) else {
            throw ONNXFailure("its equation \(text) is malformed")
          }
          labels.append(part.unicodeScalars.map { Int($0.value) })
        }
        return labels.count == 1 ? labels[0] : labels[0] + (0..<width).map { $0 - width } + labels[1]
      }
      for (term, rank) in zip(terms, ranks) {
        let letters = term.replacingOccurrences(of: "...", with: "").count
        operands.append(try spread(term, over: rank - letters))
      }
      if sides.count == 2 {
        result = try spread(sides[1], over: rest)
      } else {
        // The implicit output is the ellipsis, followed by the letters that occur once, in alphabetical order.
        let all = operands.flatMap { $0 }.filter { $0 >= 0 }
        result = (0..<rest).map { $0 - rest } + Set(all).filter { label in all.count { $0 == label } == 1 }.sorted()
      }
      let known = Set(operands.flatMap { $0 })
      guard Set(result).count == result.count, result.allSatisfy({ $0 < 0 || known.contains($0) }) else {
        throw ONNXFailure("its equation \(text) is malformed")
      }
    }
  }

  /// Returns the equation of a node, and the extent of each label.
  private static func equation(
    _ call: ONNXCall, _ operands: [Shape]
  ) throws(ONNXFailure) -> (Equation, extents: [Int: Int]) {
    let text = try call.attributes.string("equation", default: "")
    let equation = try Equation(text, ranks: operands.map(\.rank))
    var extents: [Int: Int] = [:]
    for (labels, operand) in zip(equation.operands, operands) {
      for (label, extent) in zip(labels, operand.dimensions) {
        let known = extents[label] ?? 1
        guard known == 1 || extent == 1 || known == extent else {
          throw ONNXFailure("its equation \(text) does not fit its operands")
        }
        extents[label] = known == 1 ? extent : known
      }
    }
    return (equation, extents)
  }

  /// Returns the shape of an Einsum node's result.
  static func einsumShape(_ call: ONNXCall, _ operands: [Shape]) throws(ONNXFailure) -> Shape {
    let (equation, extents) = try equation(call, operands)
    return try call.shape(equation.result.map { extents[$0] ?? 1 })
  }

  @Sendable private static func einsum(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    var operands: [ONNXConstant] = []
    for index in call.inputs.indices { operands.append(try call.operand(index)) }
    guard let type = operands.first?.type, operands.allSatisfy({ $0.type == type }) else {
      throw ONNXFailure("it has no operands, or they differ in type")
    }
    let (equation, extents) = try equation(call, operands.map(\.shape))
    let summed = extents.keys.filter { !equation.result.contains($0) }.sorted()
    let shape = try call.shape(equation.result.map { extents[$0] ?? 1 })
    let inner = try call.shape(summed.map { extents[$0] ?? 1 })
    try call.spend(shape.elementCount, inner.elementCount, operands.count)
    // A letter that occurs twice in an input selects the diagonal: its stride is the sum of both strides.
    let strides = zip(equation.operands, operands).map { labels, operand in
      var strides: [Int: Int] = [:]
      for (axis, stride) in operand.shape.strides.enumerated() where operand.shape[axis] > 1 {
        strides[labels[axis], default: 0] += stride
      }
      return strides
    }
    let outerTables = strides.map { strides in Offsets.table(shape, strides: equation.result.map { strides[$0] ?? 0 }) }
    let innerTables = strides.map { strides in Offsets.table(inner, strides: summed.map { strides[$0] ?? 0 }) }
    func contract<N: Numeral>(_: N.Type) -> ONNXConstant {
      let values = operands.map { N.values(of: $0) }
      let results = (0..<shape.elementCount).map { place in
        var sum = N.zero
        for step in 0..<inner.elementCount {
          var product = N.one
          for index in values.indices {
            product = N.times(product, values[index][outerTables[index][place] + innerTables[index][step]])
          }
          sum = N.plus(sum, product)
        }
        return sum
      }
      return N.constant(type, shape, results)
    }
    return [type.isFloat ? contract(Float.self) : contract(Int64.self)]
  }

  /// Computes Det-11 by Gaussian elimination with partial pivoting.
  @Sendable private static func determinant(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let dimensions = value.shape.dimensions
    guard value.type.isFloat, dimensions.count >= 2, let size = dimensions.last,
      dimensions[dimensions.count - 2] == size
    else {
      throw ONNXFailure("its operand of \(value.shape) is no square matrix of floats")
    }
    let shape = Shape(Array(dimensions.dropLast(2)))
    try call.spend(shape.elementCount, size, size, size)
    let values = value.floats
    let results = (0..<shape.elementCount).map { index -> Float in
      var rows = (0..<size).map { row in (0..<size).map { Double(values[(index * size + row) * size + $0]) } }
      var result = 1.0
      for column in 0..<size {
        let pivot = (column..<size).max { rows[$0][column].magnitude < rows[$1][column].magnitude } ?? column
        if rows[pivot][column] == 0 { return 0 }
        if pivot != column {
          rows.swapAt(pivot, column)
          result = -result
        }
        result *= rows[column][column]
        for row in column + 1..<max(size, column + 1) {
          let factor = rows[row][column] / rows[column][column]
          for place in column..<size { rows[row][place] -= factor * rows[column][place] }
        }
      }
      return Float(result)
    }
    return [ONNXConstant(value.type, shape, floats: results)]
  }
}
