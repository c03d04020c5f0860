import SegEngine

/// The messages of a ``DenseCRF`` over all pairs of pixels, from the definition. Kernels are computed anew in each iteration, so that
/// memory stays small.
struct ExactMessages: PairwiseMessages {
  private let groups: [KernelGroup]
  /// 1 / √n of each pixel, for each member of each group.
  private let normalizations: [[[Float]]]
  private let unary: Tensor
  private let classes: Int
  private let backend: any Backend
  private var marginals: Tensor

  init(_ groups: [KernelGroup], classes: Int, unary: Tensor, on backend: any Backend) {
    self.groups = groups
    self.unary = unary
    self.classes = classes
    self.backend = backend
    marginals = unary
    normalizations = groups.map { group in
      group.members.map { ExactMessages.normalization(of: $0.features, on: backend) }
    }
  }

  private static func normalization(of features: PixelFeatures, on backend: any Backend) -> [Float] {
    let count = features.count
    var result = [Float](repeating: 0, count: count)
    result.withUnsafeMutableBufferPointer { result in
      backend.workers.forEachRange(count, grain: 16) { range, _ in
        var row = [Float](repeating: 0, count: count)
        for i in range {
          for j in 0..<count { row[j] = features.exponent(i, j) }
          row.withUnsafeMutableBufferPointer {
            backend.map(.exp, $0.baseAddress!, $0.baseAddress!, count: count)
            result[i] = 1 / backend.reduce(.sum, $0.baseAddress!, count: count).squareRoot()
          }
        }
      }
    }
    return result
  }

  mutating func prepare(_ marginals: Tensor) { self.marginals = marginals }

  func write(_ pixels: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    let (count, stride) = (unary.shape[0], unary.shape[1])
    // Pairs of some pixels with all.
    let block = 32
    var weights = [Float](repeating: 0, count: block * count)
    var row = [Float](repeating: 0, count: count)
    var messages = [Float](repeating: 0, count: block * stride)
    unary.withUnsafeElements(of: Float.self) {
      target.update(from: $0.baseAddress! + pixels.lowerBound * stride, count: pixels.count * stride)
    }
    marginals.withUnsafeElements(of: Float.self) { q in
      for start in Swift.stride(from: pixels.lowerBound, to: pixels.upperBound, by: block) {
        let size = min(block, pixels.upperBound - start)
        for (group, normalizations) in zip(groups, normalizations) {
          for index in 0..<size * count { weights[index] = 0 }
          for (member, normalization) in zip(group.members, normalizations) {
            for i in 0..<size {
              for j in 0..<count { row[j] = member.features.exponent(start + i, j) }
              row.withUnsafeMutableBufferPointer {
                backend.map(.exp, $0.baseAddress!, $0.baseAddress!, count: count)
              }
              let factor = member.scale * normalization[start + i]
              for j in 0..<count { weights[i * count + j] += factor * normalization[j] * row[j] }
            }
          }
          messages.withUnsafeMutableBufferPointer { messages in
            backend.gemm(
              transposeA: false, transposeB: false, m: size, n: stride, k: count, alpha: 1, weights, count,
              q.baseAddress!, stride, beta: 0, messages.baseAddress!, stride)
            backend.addMessages(
              messages.baseAddress!, group.matrix, to: target + (start - pixels.lowerBound) * stride, count: size,
              classes: classes, stride: stride)
          }
        }
      }
    }
  }
}
