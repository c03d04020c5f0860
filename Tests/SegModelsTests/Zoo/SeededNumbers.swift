import SegEngine

/// Numbers that `Tests/Parity/references/seeded.py` makes bit for bit too, so that fixtures hold no weights: SplitMix64 counted from
/// the FNV-1a hash of a name, its upper 24 bits as a fraction.
enum SeededNumbers {
  /// Numbers in [low, high).
  static func even(_ name: String, _ shape: Shape, _ low: Float, _ high: Float) -> Tensor {
    let hash: UInt64 = name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    var generator = SeededGenerator(seed: hash)
    let range = high - low
    return Tensor(
      shape, (0..<shape.elementCount).map { _ in low + range * (Float(generator.next() >> 40) * 0x1p-24) })
  }

  /// An image `[batch, height, width, channels]`, from the numbers of `[batch, channels, height, width]`.
  static func image(_ index: Int, channelsFirst shape: [Int]) -> Tensor {
    even("input/\(index)", Shape(shape), -2, 2).transposed([0, 2, 3, 1])
  }

  /// The weights of a graph by their names: matrices and kernels even with the variance 2 / fanIn, scales of normalisation around 1,
  /// all other vectors around 0. `statistics` are those of batch normalisation, variances around 1 where they are not given. `drawnAs`
  /// gives the name from which a weight's numbers are drawn.
  static func parameters(
    of graph: Graph, statistics: [String: Tensor] = [:], drawnAs source: (String) -> String = { $0 }
  ) -> Parameters {
    var parameters = Parameters()
    for info in graph.parameters {
      let shape = info.spec.shape
      if let statistic = statistics[info.name] {
        parameters[info.name] = statistic
      } else if shape.rank >= 2 {
        let fanIn = shape.dimensions.dropFirst().reduce(1, *)
        let bound = Float((6 / Double(max(1, fanIn))).squareRoot())
        parameters[info.name] = even(source(info.name), shape, -bound, bound)
      } else if info.name.hasSuffix("weight") || info.name.hasSuffix("running_var") {
        parameters[info.name] = even(source(info.name), shape, 0.5, 1.5)
      } else {
        parameters[info.name] = even(source(info.name), shape, -0.1, 0.1)
      }
    }
    return parameters
  }
}
