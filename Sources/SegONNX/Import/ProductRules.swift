import SegEngine

extension ONNXImporter {
  /// Matrix products.
  static let productRules: [String: Rule] = [
    "MatMul": { step in
      let a = try step.input(0), b = try step.input(1)
      guard step.isFloat(0), step.isFloat(1), a.rank > 0, b.rank > 0 else { return nil }
      if a.rank == 1 || b.rank == 1 { return [try step.vectorProduct(a, b)] }
      if b.rank == 2, let weights = b.known {
        guard a.dimensions[a.rank - 1] == weights.shape[0] else {
          throw ONNXFailure("\(a.dimensions) and \(weights.shape) do not fit")
        }
        // The engine multiplies rows, the innermost axis; the order of the other axes is kept.
        let order = a.orderOfRows
        let weight = step.builder.constant(weights.tensor.transposed([1, 0]))
        return [ONNXValue(a.type, step.apply(Linear(), try step.value(0, as: order), [weight]), axes: order)]
      }
      return [ONNXValue(a.type, step.apply(MatMul(), try step.value(0), [try step.value(1)]))]
    },
    "Gemm": { step in
      let a = try step.input(0), b = try step.input(1)
      guard step.isFloat(0), step.isFloat(1), a.rank == 2, b.rank == 2 else { return nil }
      let alpha = try step.attributes.float("alpha", default: 1), beta = try step.attributes.float("beta", default: 1)
      let transposesA = try step.attributes.flag("transA"), transposesB = try step.attributes.flag("transB")
      let bias = step.optional(2)
      // Constant weights and a bias per column form a linear layer.
      if !transposesA, let weights = b.known {
        let n = weights.shape[transposesB ? 0 : 1]
        let isRow = bias == nil || (bias!.known != nil && bias!.known!.tensor.count == n && bias!.dimensions.last == n)
        if isRow {
          var weight = transposesB ? weights.tensor : weights.tensor.transposed([1, 0])
          if alpha != 1 { weight = Tensor(weight.shape, weight.elements(of: Float.self).map { $0 * alpha }) }
          var others = [step.builder.constant(weight)]
          if let row = bias?.known { others.append(step.builder.constant(Tensor([n], row.floats.map { $0 * beta }))) }
          return [ONNXValue(a.type, step.apply(Linear(), try step.value(0), others))]
        }
      }
      let product = MatMul(transposingA: transposesA, transposingB: transposesB)
      var value = step.apply(product, try step.value(0), [try step.value(1)])
      if alpha != 1 { value = value * alpha }
      guard bias != nil, beta != 0 else { return [ONNXValue(a.type, value)] }
      var addend = try step.value(2)
      if beta != 1 { addend = addend * beta }
      return [ONNXValue(a.type, value + addend)]
    },
    "Einsum": { step in
      guard step.inputs.count == 2, step.isFloat(0), step.isFloat(1),
        let equation = try step.attributes.string("equation"), let contraction = ONNXContraction(equation)
      else { return nil }
      return try contraction.apply(step)
    },
  ]
}

extension ONNXStep {
  /// Returns a product with a vector as MatMul-13 defines it: a row vector on the left or a column vector on the right,
  /// whose axis of extent 1 is removed from the result.
  fileprivate func vectorProduct(_ a: ONNXValue, _ b: ONNXValue) throws -> ONNXValue {
    let left = a.rank == 1 ? try reshaped(a, to: [1] + a.dimensions) : a
    let right = b.rank == 1 ? try reshaped(b, to: b.dimensions + [1]) : b
    let product = apply(MatMul(), importer.arranged(left), [importer.arranged(right)])
    var extents = product.shape.dimensions
    guard extents.count >= 2 else { return ONNXValue(a.type, product) }
    if b.rank == 1 { extents.removeLast() }
    if a.rank == 1 { extents.remove(at: extents.count - (b.rank == 1 ? 1 : 2)) }
    return try reshaped(ONNXValue(a.type, product), to: extents)
  }
}

/// An Einsum-12 equation of two inputs that is a batched matrix product: no letter occurs twice in a term, and every
/// letter that is summed occurs in both inputs.
private struct ONNXContraction {
  private let a, b, result: [Character]

  /// Parses an equation with explicit output; `nil` if it is not a batched matrix product.
  init?(_ equation: String) {
    let sides = equation.filter { $0 != " " }.split(separator: ">", omittingEmptySubsequences: false)
    guard sides.count == 2, sides[0].hasSuffix("-") else { return nil }
    let operands = sides[0].dropLast().split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
    guard operands.count == 2 else { return nil }
    (a, b, result) = (operands[0], operands[1], Array(sides[1]))
    let letters = a + b + result
    guard letters.allSatisfy({ $0.isLetter }), [a, b, result].allSatisfy({ Set($0).count == $0.count }),
      result.allSatisfy({ a.contains($0) || b.contains($0) }),
      (a + b).allSatisfy({ result.contains($0) || (a.contains($0) && b.contains($0)) })
    else { return nil }
  }

  /// Applies the equation as a MatMul of `[batch, rows, summed]` and `[batch, columns, summed]`; `nil` if the engine
  /// does not support it.
  func apply(_ step: ONNXStep) throws -> [ONNXValue]? {
    let x = try step.input(0), y = try step.input(1)
    guard x.rank == a.count, y.rank == b.count else {
      throw ONNXFailure("its equation does not go with \(x.dimensions) and \(y.dimensions)")
    }
    var extents: [Character: Int] = [:]
    for (letters, dimensions) in [(a, x.dimensions), (b, y.dimensions)] {
      for (letter, extent) in zip(letters, dimensions) {
        guard extents.updateValue(extent, forKey: letter) ?? extent == extent else {
          throw ONNXFailure("the letter \(letter) stands for two extents")
        }
      }
    }
    let batch = result.filter { a.contains($0) && b.contains($0) }
    let rows = result.filter { a.contains($0) && !b.contains($0) }
    let columns = result.filter { !a.contains($0) && b.contains($0) }
    let summed = a.filter { b.contains($0) && !result.contains($0) }
    func size(_ letters: [Character]) -> Int { letters.reduce(1) { $0 * extents[$1]! } }
    func operand(_ value: ONNXValue, _ letters: [Character], _ order: [Character], _ shape: [Int]) -> Value {
      step.importer.arranged(value, as: order.map { letters.firstIndex(of: $0)! })
        .apply(Reshape(to: .dimensions(shape)), named: step.node.name + ".reshape")
    }
    let p = operand(x, a, batch + rows + summed, [size(batch), size(rows), size(summed)])
    let q = operand(y, b, batch + columns + summed, [size(batch), size(columns), size(summed)])
    let product = step.apply(MatMul(transposingB: true), p, [q])
    let letters = batch + rows + columns
    let value = product.apply(
      Reshape(to: .dimensions(letters.map { extents[$0]! })), named: step.node.name + ".reshape")
    return [ONNXValue(x.type, value, axes: letters.map { result.firstIndex(of: $0)! })]
  }
}
