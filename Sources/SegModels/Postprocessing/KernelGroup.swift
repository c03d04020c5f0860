import SegEngine

/// The kernels of a ``DenseCRF`` with the same label compatibility. Their weights are summed to one weight per pair of
/// pixels.
struct KernelGroup: Sendable {
  /// One kernel of the group.
  struct Member: Sendable {
    let features: PixelFeatures
    let scale: Float
  }

  /// The `[classes, classes]` matrix that filtered marginals are multiplied by from the right; `nil` is the identity.
  let matrix: [Float]?
  /// The kernels of the group.
  var members: [Member]

  /// Groups kernels. All Potts kernels form one group; every other kernel is a group of its own.
  static func groups(_ kernels: [PairwiseKernel], _ features: [PixelFeatures]) -> [KernelGroup] {
    var groups: [KernelGroup] = []
    for (kernel, features) in zip(kernels, features) {
      let member = Member(features: features, scale: kernel.messageScale)
      if kernel.messageMatrix == nil, let index = groups.firstIndex(where: { $0.matrix == nil }) {
        groups[index].members.append(member)
      } else {
        groups.append(KernelGroup(matrix: kernel.messageMatrix, members: [member]))
      }
    }
    return groups
  }
}

extension PixelFeatures {
  /// −|f_i − f_j|² / 2
  func exponent(_ i: Int, _ j: Int) -> Float {
    values.withUnsafeBufferPointer { values in
      let (a, b) = (values.baseAddress! + i * dimensions, values.baseAddress! + j * dimensions)
      var sum: Float = 0
      for axis in 0..<dimensions { sum += (a[axis] - b[axis]) * (a[axis] - b[axis]) }
      return -sum / 2
    }
  }
}

extension ComputeDevice {
  /// Adds rows · matrix to the target, or the rows themselves without a matrix. Rows have `stride` floats, of which the
  /// first `classes` are used.
  func addMessages(
    _ rows: UnsafePointer<Float>, _ matrix: [Float]?, to target: UnsafeMutablePointer<Float>, count: Int, classes: Int,
    stride: Int
  ) {
    if let matrix {
      backend.gemm(
        transposeA: false, transposeB: false, m: count, n: classes, k: classes, alpha: 1, rows, stride, matrix, classes,
        beta: 1, target, stride)
    } else {
      kernels.combine(.add, target, pStep: 1, rows, qStep: 1, target, count: count * stride)
    }
  }
}
