import SegEngine

/// The messages of a ``DenseCRF`` over all pairs of pixels, computed by definition. The weights of all pairs are stored
/// if they take less than ``largestStorage`` bytes; otherwise they are recomputed in each iteration.
struct ExactMessages: PairwiseMessages {
  private static let largestStorage = 256 << 20

  private let groups: [KernelGroup]
  /// 1 / √n of each pixel, for each member of each group.
  private let normalizations: [[[Float]]]
  /// The weights of all pairs, `[pixel, pixel]`, for each group, if they are stored.
  private var stored: [Tensor] = []
  private let unary: Tensor
  private let classes: Int
  private let device: ComputeDevice
  private var marginals: Tensor

  init(_ groups: [KernelGroup], classes: Int, unary: Tensor, on device: ComputeDevice) {
    self.groups = groups
    self.unary = unary
    self.classes = classes
    self.device = device
    marginals = unary
    normalizations = groups.map { group in
      group.members.map { ExactMessages.normalization(of: $0.features, on: device) }
    }
    let count = unary.shape[0]
    guard groups.count * count * count * 4 < Self.largestStorage else { return }
    for group in groups.indices {
      var weights = Tensor(uninitialized: [count, count])
      weights.withUnsafeMutableElements(of: Float.self) { weights in
        device.workers.forEachRange(count, grain: 16) { [self] range, _ in
          fill(weights.baseAddress! + range.lowerBound * count, rows: range, of: group)
        }
      }
      stored.append(weights)
    }
  }

  private static func normalization(of features: PixelFeatures, on device: ComputeDevice) -> [Float] {
    let count = features.count
    var result = [Float](repeating: 0, count: count)
    result.withUnsafeMutableBufferPointer { result in
      device.workers.forEachRange(count, grain: 16) { range, _ in
        var row = [Float](repeating: 0, count: count)
        for i in range {
          for j in 0..<count { row[j] = features.exponent(i, j) }
          row.withUnsafeMutableBufferPointer {
            device.kernels.map(.exp, $0.baseAddress!, $0.baseAddress!, count: count)
            result[i] = 1 / device.kernels.reduce(.sum, $0.baseAddress!, count: count).squareRoot()
          }
        }
      }
    }
    return result
  }

  /// Writes the weights between a range of pixels and all pixels, Σ over the group's kernels of scale · k̂.
  private func fill(_ weights: UnsafeMutablePointer<Float>, rows: Range<Int>, of group: Int) {
    let count = unary.shape[0]
    var row = [Float](repeating: 0, count: count)
    weights.update(repeating: 0, count: rows.count * count)
    for (member, normalization) in zip(groups[group].members, normalizations[group]) {
      for (index, i) in rows.enumerated() {
        for j in 0..<count { row[j] = member.features.exponent(i, j) }
        row.withUnsafeMutableBufferPointer {
          device.kernels.map(.exp, $0.baseAddress!, $0.baseAddress!, count: count)
        }
        let factor = member.scale * normalization[i]
        for j in 0..<count { weights[index * count + j] += factor * normalization[j] * row[j] }
      }
    }
  }

  mutating func prepare(_ marginals: Tensor) { self.marginals = marginals }

  func write(_ pixels: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    let (count, stride) = (unary.shape[0], unary.shape[1])
    // The number of pixels that are paired with all pixels at a time.
    let block = 32
    var weights = [Float](repeating: 0, count: stored.isEmpty ? block * count : 0)
    var messages = [Float](repeating: 0, count: block * stride)
    unary.withUnsafeElements(of: Float.self) {
      target.update(from: $0.baseAddress! + pixels.lowerBound * stride, count: pixels.count * stride)
    }
    for start in Swift.stride(from: pixels.lowerBound, to: pixels.upperBound, by: block) {
      let rows = start..<min(start + block, pixels.upperBound)
      for (index, group) in groups.enumerated() {
        func add(_ weights: UnsafePointer<Float>) {
          marginals.withUnsafeElements(of: Float.self) { q in
            messages.withUnsafeMutableBufferPointer { messages in
              device.backend.gemm(
                transposeA: false, transposeB: false, m: rows.count, n: stride, k: count, alpha: 1, weights, count,
                q.baseAddress!, stride, beta: 0, messages.baseAddress!, stride)
              device.addMessages(
                messages.baseAddress!, group.matrix, to: target + (start - pixels.lowerBound) * stride,
                count: rows.count, classes: classes, stride: stride)
            }
          }
        }
        if stored.isEmpty {
          weights.withUnsafeMutableBufferPointer {
            fill($0.baseAddress!, rows: rows, of: index)
            add($0.baseAddress!)
          }
        } else {
          stored[index].withUnsafeElements(of: Float.self) { add($0.baseAddress! + start * count) }
        }
      }
    }
  }
}
