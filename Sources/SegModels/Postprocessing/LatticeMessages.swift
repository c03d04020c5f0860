import SegEngine

/// The messages of a ``DenseCRF`` by permutohedral lattices, one a kernel.
///
/// Each of the three steps (splat, blur, slice) is rows that are weighted sums of other rows, so the result does not depend on which
/// thread computes which, and all classes of a row are computed at once. The last step sums the lattices' values and log p in one go:
/// all of them lie in one array of rows.
struct LatticeMessages: PairwiseMessages {
  private let filters: [LatticeFilter]
  private let matrices: [[Float]?]
  private let device: ComputeDevice
  private let classes: Int
  private let stride: Int
  /// log p, then each lattice's rows twice.
  private var rows: Tensor
  /// Where in ``rows`` each lattice begins.
  private let starts: [Int]
  /// What each pixel is the sum of, `[pixel, taps]`: offsets in ``rows`` and weights.
  private let taps: Int
  private let offsets: [Int]
  private let weights: [Float]

  /// Finds the lattices of some kernels and their normalisation.
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

    // A matrix product is one more step from one copy of the rows to the other.
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

/// Splatting and blurring on a lattice, with the first half of the symmetric normalisation.
struct LatticeFilter: Sendable {
  /// The lattice.
  let lattice: PermutohedralLattice
  /// 1 / √n of each point.
  private(set) var normalization: [Float]
  /// Numbers of a row.
  private let stride: Int
  /// The points that each vertex is the sum of: those of vertex v are entries `starts[v] ..< starts[v + 1]` of the others.
  private let starts: [Int]
  private let offsets: [Int]
  private var weights: [Float]

  /// Rows that the lattice's values take: one a vertex, and one of zeros for neighbours that are not there.
  var rowCount: Int { lattice.vertexCount + 1 }

  init(_ lattice: PermutohedralLattice, stride: Int, on device: ComputeDevice) {
    self.lattice = lattice
    self.stride = stride
    let size = lattice.dimensions + 1
    var starts = [Int](repeating: 0, count: lattice.vertexCount + 1)
    for vertex in lattice.vertices { starts[Int(vertex) + 1] += 1 }
    for vertex in 0..<lattice.vertexCount { starts[vertex + 1] += starts[vertex] }
    var next = starts
    var offsets = [Int](repeating: 0, count: lattice.vertices.count)
    var weights = [Float](repeating: 0, count: lattice.vertices.count)
    for (entry, vertex) in lattice.vertices.enumerated() {
      let place = next[Int(vertex)]
      next[Int(vertex)] += 1
      offsets[place] = entry / size
      weights[place] = lattice.weights[entry]
    }
    self.starts = starts
    self.offsets = offsets.map { $0 * stride }
    self.weights = weights
    normalization = []
    normalize(offsets, on: device)
  }

  /// Filters ones, and divides the weights by the root of what comes.
  private mutating func normalize(_ points: [Int], on device: ComputeDevice) {
    let size = lattice.dimensions + 1
    var values = (0..<lattice.vertexCount).map { vertex in
      weights[starts[vertex]..<starts[vertex + 1]].reduce(0, +)
    }
    values.append(0)
    var blurred = values
    values.withUnsafeMutableBufferPointer { values in
      blurred.withUnsafeMutableBufferPointer { other in
        let (result, _) = blur(values.baseAddress!, other.baseAddress!, stride: 1, on: device)
        normalization = (0..<lattice.vertices.count / size).map { point in
          var sum: Float = 0
          for tap in point * size..<(point + 1) * size {
            sum += lattice.weights[tap] * result[Int(lattice.vertices[tap])]
          }
          return 1 / sum.squareRoot()
        }
      }
    }
    for (place, point) in points.enumerated() { weights[place] *= normalization[point] }
  }

  /// The lattice's values of marginals `[point, stride]`, in one of two arrays of ``rowCount`` rows whose last is zero; gives that
  /// array, and the other.
  func filter(
    _ marginals: UnsafePointer<Float>, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>,
    on device: ComputeDevice
  ) -> (values: UnsafeMutablePointer<Float>, other: UnsafeMutablePointer<Float>) {
    starts.withUnsafeBufferPointer { starts in
      offsets.withUnsafeBufferPointer { offsets in
        weights.withUnsafeBufferPointer { weights in
          device.workers.forEachRange(lattice.vertexCount, grain: 64) { range, _ in
            for vertex in range {
              let entry = starts[vertex]
              device.kernels.interpolate(
                marginals, offsets: offsets.baseAddress! + entry, weights: weights.baseAddress! + entry,
                taps: starts[vertex + 1] - entry, pixels: 1, channels: stride, first + vertex * stride, yStride: stride)
            }
          }
        }
      }
    }
    return blur(first, second, stride: stride, on: device)
  }

  /// Adds half of both neighbours to each vertex, axis by axis.
  private func blur(
    _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>, stride: Int, on device: ComputeDevice
  ) -> (values: UnsafeMutablePointer<Float>, other: UnsafeMutablePointer<Float>) {
    var (from, to) = (first, second)
    let count = lattice.vertexCount
    let piece = 128
    // The row of zeros makes it four taps, which backends add up without going through memory.
    let weights = (0..<piece).flatMap { _ in [1, 0.5, 0.5, 0] as [Float] }
    lattice.neighbors.withUnsafeBufferPointer { neighbors in
      for axis in 0...lattice.dimensions {
        let base = axis * count * 2
        device.workers.forEachRange(count, grain: 512) { range, _ in
          withUnsafeTemporaryAllocation(of: Int.self, capacity: piece * 4) { offsets in
            for start in Swift.stride(from: range.lowerBound, to: range.upperBound, by: piece) {
              let end = min(start + piece, range.upperBound)
              for vertex in start..<end {
                let tap = (vertex - start) * 4
                offsets[tap] = vertex * stride
                offsets[tap + 1] = Int(neighbors[base + 2 * vertex]) * stride
                offsets[tap + 2] = Int(neighbors[base + 2 * vertex + 1]) * stride
                offsets[tap + 3] = count * stride
              }
              device.kernels.interpolate(
                from, offsets: offsets.baseAddress!, weights: weights, taps: 4, pixels: end - start, channels: stride,
                to + start * stride, yStride: stride)
            }
          }
        }
        swap(&from, &to)
      }
    }
    return (from, to)
  }
}
