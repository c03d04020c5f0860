/// ``Dropout`` in training: each unit is set to zero with the probability of its rate, and the others are multiplied by 1 / (1 − rate).
///
/// Inputs: x, float32 `[…, channels]`; the seed, int32 `[2]`; the number of steps before this one, float32 `[1]`. Output: the shape of x.
///
/// The random number of a unit is a hash of seed, step, ``stream`` and the unit's index, so that it does not depend on threads or on the
/// order of work, nothing is stored for the backward pass or for a continuation, and the gradient is the same operator applied to dy.
package struct RandomMask: Operator {
  package static let name = "RandomMask"

  /// Rate and unit.
  package let dropout: Dropout
  /// The number of the sequence of random numbers, one for each node.
  package let stream: UInt64

  package init(_ dropout: Dropout, stream: UInt64) {
    self.dropout = dropout
    self.stream = stream
  }

  /// Makes the operator with the stream of a node's name.
  package init(_ dropout: Dropout, node: String) {
    // FNV-1a.
    self.init(
      dropout, stream: node.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 })
  }

  package var attributes: String { dropout.attributes }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 3...3)
    try requireFloat(inputs[0])
    try require(
      inputs[1] == TensorSpec([2], .int32) && inputs[2] == TensorSpec([1]),
      "takes a seed, int32 [2], and a number of steps, float32 [1], not \(inputs[1]) and \(inputs[2])")
    return try dropout.outputs(for: [inputs[0]])
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: (dropout.unit == .element ? 12 : 1) * outputs[0].shape.elementCount, reading: inputs,
      writing: outputs)
  }

  package func overwritableInputs(of count: Int) -> [Int] { [0] }
  package var takesRowStrides: Bool { true }
  package func takesRowStrides(ofInput index: Int) -> Bool { index == 0 }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let shape = context.inputs[0].shape
    let channels = shape.channels
    let pixels = shape.rows / max(1, shape.rank > 1 ? shape[0] : 1)
    let (unit, stream) = (dropout.unit, stream)
    let factor = Float(1 / (1 - dropout.rate))
    // A unit is zero where 32 random bits are less than this.
    let threshold = UInt32(min(dropout.rate * 0x1p32, 0x1p32 - 1))
    return PreparedOperator { context in
      let (x, y) = (context.input(0), context.output())
      let seed = context.input(1).pointer(to: Int32.self)
      let number = UInt64(UInt32(bitPattern: seed[1])) << 32 | UInt64(UInt32(bitPattern: seed[0]))
      let step = UInt64(max(0, context.input(2).floats[0]))
      let key = RandomMask.hash(RandomMask.hash(number ^ stream) &+ step)
      context.workers.forEachRange(shape.rows, grain: max(1, 4096 / max(1, channels))) { rows, _ in
        for row in rows {
          let (source, result) = (x.floats + row * x.rowStride, y.floats + row * y.rowStride)
          let image = row / max(1, pixels)
          let first = unit == .element ? row * channels : unit == .channel ? image * channels : image
          let along = unit == .image ? 0 : 1
          for c in 0..<channels {
            let bits = UInt32(truncatingIfNeeded: RandomMask.hash(key &+ UInt64(first + along * c)) >> 32)
            result[c] = bits < threshold ? 0 : source[c] * factor
          }
        }
      }
    }
  }

  /// Mixes the bits of a number: the first output of SplitMix64 seeded with it (Steele, Lea and Flood 2014).
  private static func hash(_ number: UInt64) -> UInt64 {
    var generator = SeededGenerator(seed: number)
    return generator.next()
  }
}

extension RandomMask: Differentiable {
  package func gradients(_ context: GradientContext) -> [Value?] {
    context.only(context.outputGradient.apply(self, named: "input", with: Array(context.inputs.dropFirst())))
  }
}
