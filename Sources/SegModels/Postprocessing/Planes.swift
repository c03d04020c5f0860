import SegEngine

/// Maps of one number per pixel and of equal size, `[plane][height][width]`, for filters that compute each plane alone.
struct Planes: Sendable {
  let height: Int
  let width: Int
  var planes: [[Float]]

  init(height: Int, width: Int, planes: [[Float]]) {
    self.height = height
    self.width = width
    self.planes = planes
  }

  /// The channels of a feature map `[1, height, width, channels]`.
  init(_ map: Tensor) {
    let (shape, count) = (map.shape, map.shape.channels)
    height = shape.height
    width = shape.width
    planes = map.withElements(of: Float.self) { values in
      (0..<count).map { channel in
        [Float](unsafeUninitializedCapacity: shape.rows) { plane, initialized in
          for pixel in 0..<shape.rows { plane.initializeElement(at: pixel, to: values[pixel * count + channel]) }
          initialized = shape.rows
        }
      }
    }
  }

  var pixelCount: Int { height * width }

  /// The mean over a window of `2 · radius + 1` pixels along both axes, clipped at the borders, of each plane. The time
  /// does not depend on the radius.
  func boxMeans(radius: Int, on workers: WorkerPool) -> Planes {
    var result = self
    result.planes.withUnsafeMutableBufferPointer { planes in
      // Each plane is touched by one worker only.
      nonisolated(unsafe) let planes = planes
      workers.forEach(planes.count) { index, _ in
        planes[index] = Planes.boxMean(planes[index], height: height, width: width, radius: radius)
      }
    }
    return result
  }

  private static func boxMean(_ plane: [Float], height: Int, width: Int, radius: Int) -> [Float] {
    var rows = [Float](repeating: 0, count: plane.count)
    for row in 0..<height {
      let start = row * width
      // Sums in Double: a running sum in float32 would drift along the row.
      var sum = 0.0
      for column in 0..<min(radius, width) { sum += Double(plane[start + column]) }
      for column in 0..<width {
        if column + radius < width { sum += Double(plane[start + column + radius]) }
        if column > radius { sum -= Double(plane[start + column - radius - 1]) }
        let count = min(column + radius, width - 1) - max(column - radius, 0) + 1
        rows[start + column] = Float(sum / Double(count))
      }
    }
    var sums = [Double](repeating: 0, count: width)
    func add(_ row: Int, _ sign: Double) {
      for column in 0..<width { sums[column] += sign * Double(rows[row * width + column]) }
    }
    var result = rows
    for row in 0..<min(radius, height) { add(row, 1) }
    for row in 0..<height {
      if row + radius < height { add(row + radius, 1) }
      if row > radius { add(row - radius - 1, -1) }
      let count = Double(min(row + radius, height - 1) - max(row - radius, 0) + 1)
      for column in 0..<width { result[row * width + column] = Float(sums[column] / count) }
    }
    return result
  }
}

/// The bilinear interpolation of planes along an axis, with half-pixel centres.
struct PlaneInterpolation: Sendable {
  let indices: [(low: Int, high: Int)]
  /// The weight of the higher index.
  let shares: [Float]

  init(from: Int, to: Int) {
    let scale = Double(from) / Double(to)
    let places = (0..<to).map { min(max((Double($0) + 0.5) * scale - 0.5, 0), Double(from - 1)) }
    indices = places.map { (Int($0), min(Int($0) + 1, from - 1)) }
    shares = places.map { Float($0 - $0.rounded(.down)) }
  }

  /// Interpolates a row of a plane between the two rows of an output row.
  func row(_ index: Int, of plane: [Float], width: Int) -> [Float] {
    let (low, high) = (indices[index].low * width, indices[index].high * width)
    let share = shares[index]
    return (0..<width).map { plane[low + $0] + share * (plane[high + $0] - plane[low + $0]) }
  }

  /// The value of a row at an output column.
  func value(_ column: Int, of row: [Float]) -> Float {
    let (low, high) = indices[column]
    return row[low] + shares[column] * (row[high] - row[low])
  }
}
