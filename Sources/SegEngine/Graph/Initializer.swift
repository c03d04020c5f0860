#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The initial distribution of a parameter, for networks that start without a checkpoint.
public enum Initializer: Hashable, Sendable {
  /// All elements equal.
  case constant(Float)
  /// Normal with mean 0 and variance 2 / fanIn (He et al. 2015), which keeps the variance through ReLU; PyTorch's
  /// `kaiming_normal_`.
  case heNormal(fanIn: Int)
  /// Uniform in ±√(6 / fanIn): PyTorch's `kaiming_uniform_` for ReLU.
  case heUniform(fanIn: Int)
  /// Normal with mean 0 and variance 2 / (fanIn + fanOut) (Glorot and Bengio 2010): PyTorch's `xavier_normal_`.
  case xavierNormal(fanIn: Int, fanOut: Int)
  /// Uniform in ±√(6 / (fanIn + fanOut)): PyTorch's `xavier_uniform_`.
  case xavierUniform(fanIn: Int, fanOut: Int)
  /// Normal with mean 0, redrawn beyond two deviations, as for transformers. `deviation` is that of the distribution before truncation.
  case truncatedNormal(deviation: Float)
  /// Bilinear interpolation between the pixels of each channel, for upsampling transposed convolutions
  /// `[in, out / groups, kernelHeight, kernelWidth]` (Long et al. 2015). With f = ⌈k / 2⌉ and the middle c = (k − 1) / 2, the weight along
  /// an axis is 1 − |i − c| / f; with one group it is set only where in = out.
  case bilinear
  /// A random matrix [first axis, all others] whose rows or columns, whichever are fewer, are orthogonal and of length `gain` (Saxe et al.
  /// 2014): the Q of a normal matrix, with the signs of R's diagonal, by LAPACKE's `dgeqrf` and `dorgqr`.
  case orthogonal(gain: Float)
  /// He-normal weights of a convolution `[out · factor², in, kernelHeight, kernelWidth]` before a pixel shuffle, equal for the factor²
  /// channels of a block, so that it initially upsamples by nearest neighbour (ICNR, Aitken et al. 2017).
  case subpixel(factor: Int, fanIn: Int)

  func tensor(_ spec: TensorSpec, _ generator: inout some RandomNumberGenerator) -> Tensor {
    guard spec.elementType == .float32 else { return Tensor(zeros: spec.shape, of: spec.elementType) }
    let count = spec.shape.elementCount
    func normal(_ deviation: Float, _ count: Int) -> [Float] {
      (0..<count).map { _ in deviation * generator.normal() }
    }
    func even(_ bound: Float) -> [Float] {
      (0..<count).map { _ in Float.random(in: -bound...bound, using: &generator) }
    }
    let values: [Float]
    switch self {
    case .constant(let value): return Tensor(spec.shape, repeating: value)
    case .heNormal(let fanIn): values = normal((2 / Float(max(1, fanIn))).squareRoot(), count)
    case .heUniform(let fanIn): values = even((6 / Float(max(1, fanIn))).squareRoot())
    case .xavierNormal(let fanIn, let fanOut): values = normal((2 / Float(max(1, fanIn + fanOut))).squareRoot(), count)
    case .xavierUniform(let fanIn, let fanOut): values = even((6 / Float(max(1, fanIn + fanOut))).squareRoot())
    case .truncatedNormal(let deviation):
      values = (0..<count).map { _ in
        var z = generator.normal()
        while abs(z) > 2 { z = generator.normal() }
        return deviation * z
      }
    case .bilinear: values = Self.bilinear(spec.shape)
    case .orthogonal(let gain):
      let rows = spec.shape.rank > 0 ? max(1, spec.shape[0]) : 1
      let columns = count / rows
      let (tall, narrow) = (max(rows, columns), min(rows, columns))
      guard narrow > 0 else { return Tensor(zeros: spec.shape) }
      let random = (0..<tall).map { _ in normal(1, narrow).map(Double.init) }
      let q = LinearAlgebra.orthogonalColumns(random)
      values = (0..<count).map { index in
        let (row, column) = (index / columns, index % columns)
        return gain * Float(rows >= columns ? q[row][column] : q[column][row])
      }
    case .subpixel(let factor, let fanIn):
      let block = factor * factor
      let each = count / max(1, spec.shape[0])
      let kernels = normal((2 / Float(max(1, fanIn))).squareRoot(), spec.shape[0] / block * each)
      values = (0..<spec.shape[0]).flatMap { out in kernels[out / block * each..<(out / block + 1) * each] }
    }
    return Tensor(spec.shape, values)
  }

  private static func bilinear(_ shape: Shape) -> [Float] {
    precondition(shape.rank == 4, "bilinear weights are those of a transposed convolution, not \(shape)")
    func weights(_ k: Int) -> [Float] {
      let (f, center) = (Float((k + 1) / 2), Float(k - 1) / 2)
      return (0..<k).map { 1 - abs(Float($0) - center) / f }
    }
    let (rows, columns) = (weights(shape[2]), weights(shape[3]))
    let isDepthwise = shape[1] == 1
    var values: [Float] = []
    values.reserveCapacity(shape.elementCount)
    for i in 0..<shape[0] {
      for o in 0..<shape[1] {
        let isOwn = isDepthwise || i == o
        for row in rows { for column in columns { values.append(isOwn ? row * column : 0) } }
      }
    }
    return values
  }
}

extension RandomNumberGenerator {
  /// Returns a number of the standard normal distribution (Box and Muller 1958).
  package mutating func normal() -> Float {
    let u = Float.random(in: Float.leastNormalMagnitude..<1, using: &self)
    let v = Float.random(in: 0..<1, using: &self)
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
  }
}

/// SplitMix64: a small generator. Its sequence depends on the seed alone, on every machine.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Makes a generator with a seed.
  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

extension Parameters {
  /// Draws weights for a graph by each parameter's initialiser; they depend on the seed alone. Only names for which `isIncluded` returns
  /// true are drawn.
  public init(initializing graph: Graph, seed: UInt64, where isIncluded: (String) -> Bool = { _ in true }) {
    var generator = SeededGenerator(seed: seed)
    self.init()
    for info in graph.parameters where isIncluded(info.name) {
      self[info.name] = info.initializer.tensor(info.spec, &generator)
    }
  }
}
