import SegEngine

/// Splatting and blurring on a lattice, with the first factor of the symmetric normalisation.
struct LatticeFilter: Sendable {
  /// The lattice.
  let lattice: PermutohedralLattice
  /// 1 / √n of each point.
  private(set) var normalization: [Float]
  /// The number of floats of a row.
  private let stride: Int
  /// The points that are splatted to each vertex: those of vertex v are entries `starts[v] ..< starts[v + 1]` of the
  /// arrays below.
  private let starts: [Int]
  private let offsets: [Int]
  private var weights: [Float]

  /// The number of rows of the lattice: one per vertex, and a row of zeros for missing neighbours.
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

  /// Filters a constant 1 and divides the weights by the square root of the result.
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

  /// Filters marginals `[point, stride]`. Both arrays have ``rowCount`` rows, the last of them zero. Returns the array
  /// with the result, and the other one.
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

  /// Adds half of both neighbours to each vertex, one axis after the other.
  private func blur(
    _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>, stride: Int, on device: ComputeDevice
  ) -> (values: UnsafeMutablePointer<Float>, other: UnsafeMutablePointer<Float>) {
    var (from, to) = (first, second)
    let count = lattice.vertexCount
    let piece = 128
    // The row of zeros completes four taps, which backends sum in registers.
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
