#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// How a parameter is drawn where a network starts without a checkpoint.
public enum Initializer: Hashable, Sendable {
  /// All the same.
  case constant(Float)
  /// Normal with mean 0 and variance 2 / fanIn (He et al. 2015), which keeps the variance through ReLU.
  case heNormal(fanIn: Int)

  func tensor(_ spec: TensorSpec, _ generator: inout some RandomNumberGenerator) -> Tensor {
    guard spec.elementType == .float32 else { return Tensor(zeros: spec.shape, of: spec.elementType) }
    switch self {
    case .constant(let value): return Tensor(spec.shape, repeating: value)
    case .heNormal(let fanIn):
      let deviation = (2 / Float(max(1, fanIn))).squareRoot()
      return Tensor(
        spec.shape,
        (0..<spec.shape.elementCount).map { _ -> Float in
          // Box–Muller.
          let u = Float.random(in: Float.leastNormalMagnitude..<1, using: &generator)
          let v = Float.random(in: 0..<1, using: &generator)
          return deviation * (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
        })
    }
  }
}

/// SplitMix64: a small generator whose sequence depends on the seed alone, on every machine.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts the sequence of a seed.
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
  /// Weights for a graph drawn by each parameter's initialiser, the same for the same seed.
  public init(initializing graph: Graph, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    self.init()
    for info in graph.parameters { self[info.name] = info.initializer.tensor(info.spec, &generator) }
  }
}
