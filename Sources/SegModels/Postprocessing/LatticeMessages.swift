import SegEngine

/// The messages of a ``DenseCRF`` by permutohedral lattices, one per kernel.
///
/// In each of the three steps (splat, blur, slice) every row is a weighted sum of other rows, with all classes at once.
/// The result therefore does not depend on the number of threads. The last step sums the values of all lattices and log
/// p in one pass, because all of them lie in one array of rows.
struct LatticeMessages: PairwiseMessages {
  private let filters: [LatticeFilter]
  private let matrices: [[Float]?]
  private let device: ComputeDevice
  private let classes: Int
  private let stride: Int
  /// log p, followed by two copies of each lattice's rows.
  private var rows: Tensor
  /// The index in ``rows`` of the first row of each lattice.
  private let starts: [Int]
  /// The terms of the last step for each pixel, `[pixel, taps]`: offsets in ``rows`` and weights.
  private let taps: Int
  private let offsets: [Int]
  private let weights: [Float]

  /// Builds the lattices of the kernels, with their normalisation.
  init(
    _ kernels: [PairwiseKernel], _ features: [PixelFeatures], classes: Int, unary: Tensor, on device: ComputeDevice
  ) throws(CRFError) {
    let stride = unary.shape[1]
    let pixels = unary.shape[0]
    var filters: [LatticeFilter] = []
    var lattices: [PermutohedralLattice] = []
    for (kernel, points) in zip(kernels, features) {
      guard let lattice = PermutohedralLattice(points, over: device.workers) else { throw .deviationTooSmall(kernel) }
      lattices.append(lattice)
      filters.append(LatticeFilter(lattice, stride: stride, on: device))
    }
    matrices = kernels.map(\.messageMatrix)
    var starts: [Int] = []
    var count = pixels
    for filter in filters {
      starts.append(count)
      count += 2 * filter.rowCount
    }
    self.starts = starts
    self.filters = filters
    self.device = device
    self.classes = classes
    self.stride = stride
    var rows = Tensor(zeros: [count, stride])
    unary.withUnsafeElements(of: Float.self) { unary in
      rows.withUnsafeMutableElements(of: Float.self) {
        $0.baseAddress!.update(from: unary.baseAddress!, count: unary.count)
      }
    }
    self.rows = rows

    // Each step, a product with the compatibility matrix included, reads one copy of the rows and writes the other.
    let ends = zip(filters, matrices).map { ($0.0.lattice.dimensions + 1 + ($0.1 == nil ? 0 : 1)) % 2 }
    taps = 1 + lattices.reduce(0) { $0 + $1.dimensions + 1 }
    var offsets: [Int] = []
    var weights: [Float] = []
    offsets.reserveCapacity(pixels * taps)
    weights.reserveCapacity(pixels * taps)
    for pixel in 0..<pixels {
      offsets.append(pixel * stride)
      weights.append(1)
      for (index, lattice) in lattices.enumerated() {
        let size = lattice.dimensions + 1
        let first = starts[index] + ends[index] * filters[index].rowCount
        let factor = filters[index].normalization[pixel] * kernels[index].messageScale
        for tap in pixel * size..<(pixel + 1) * size {
          offsets.append((first + Int(lattice.vertices[tap])) * stride)
          weights.append(lattice.weights[tap] * factor)
        }
      }
    }
    self.offsets = offsets
    self.weights = weights
  }

  mutating func prepare(_ marginals: Tensor) {
    let (filters, matrices, starts, stride, classes, device) = (filters, matrices, starts, stride, classes, device)
    marginals.withUnsafeElements(of: Float.self) { q in
      rows.withUnsafeMutableElements(of: Float.self) { rows in
        for (index, filter) in filters.enumerated() {
          let first = rows.baseAddress! + starts[index] * stride
          let second = first + filter.rowCount * stride
          let (values, other) = filter.filter(q.baseAddress!, first, second, on: device)
          guard let matrix = matrices[index] else { continue }
          device.workers.forEachRange(filter.lattice.vertexCount, grain: 256) { range, _ in
            device.backend.gemm(
              transposeA: false, transposeB: false, m: range.count, n: classes, k: classes, alpha: 1,
              values + range.lowerBound * stride, stride, matrix, classes, beta: 0,
              other + range.lowerBound * stride, stride)
          }
        }
      }
    }
  }

  func write(_ pixels: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    rows.withUnsafeElements(of: Float.self) { rows in
      offsets.withUnsafeBufferPointer { offsets in
        weights.withUnsafeBufferPointer { weights in
          device.kernels.interpolate(
            rows.baseAddress!, offsets: offsets.baseAddress! + pixels.lowerBound * taps,
            weights: weights.baseAddress! + pixels.lowerBound * taps, taps: taps, pixels: pixels.count,
            channels: stride, target, yStride: stride)
        }
      }
    }
  }
}
