import SegEngine

/// The vertices of a permutohedral lattice around given points, and the barycentric weights of each point (Adams, Baek
/// and Davis 2010, "Fast High-Dimensional Filtering Using the Permutohedral Lattice").
///
/// The lattice lies in the hyperplane Σ x = 0 of d + 1 dimensions. An isometry maps a d-dimensional point to it. The
/// scale is chosen so that splatting, blurring and slicing together have variance 1 in feature space. The point lies in
/// a simplex of d + 1 vertices; its barycentric coordinates are the weights.
struct PermutohedralLattice: Sendable {
  /// The dimension d of the points.
  let dimensions: Int
  /// The number of vertices.
  let vertexCount: Int
  /// The vertices of the simplex around each point, `[point, d + 1]`.
  let vertices: [Int32]
  /// Their weights, `[point, d + 1]`, with sum 1 for each point.
  let weights: [Float]
  /// The previous and the next vertex along each axis, `[axis, vertex, 2]`; ``vertexCount`` if there is none.
  let neighbors: [Int32]

  /// The first d coordinates of a lattice vertex, each as 21 bits with an offset, so that a step takes one addition per
  /// word.
  private struct Key: Equatable {
    var low, high: UInt64

    static let lanes = 3
    static let bits = 21
    static let offset = 1 << (bits - 1)

    /// The same number in the lanes of the given coordinates, for addition.
    init(_ value: Int, in coordinates: some Sequence<Int>) {
      low = 0
      high = 0
      for coordinate in coordinates {
        let shift = UInt64(coordinate % Key.lanes * Key.bits)
        if coordinate < Key.lanes { low &+= UInt64(value) << shift } else { high &+= UInt64(value) << shift }
      }
    }

    init(low: UInt64, high: UInt64) {
      self.low = low
      self.high = high
    }

    static func &+ (a: Key, b: Key) -> Key { Key(low: a.low &+ b.low, high: a.high &+ b.high) }
    static func &- (a: Key, b: Key) -> Key { Key(low: a.low &- b.low, high: a.high &- b.high) }

    var hash: UInt64 {
      let mixed = (low &* 0x9e37_79b9_7f4a_7c15) ^ ((high &+ 0x632b_e59b_d9b4_e019) &* 0xbf58_476d_1ce4_e5b9)
      return (mixed ^ (mixed >> 29)) &* 0x94d0_49bb_1331_11eb
    }
  }

  /// A hash table with open addressing. Vertices are numbered in order of insertion.
  private struct Table {
    private(set) var keys: [Key] = []
    private var slots: [Int32]
    private var shift: UInt64

    init() {
      slots = Array(repeating: -1, count: 1 << 14)
      shift = 64 - 14
    }

    func find(_ key: Key) -> Int32? {
      var slot = Int(truncatingIfNeeded: key.hash >> shift)
      while slots[slot] >= 0 {
        if keys[Int(slots[slot])] == key { return slots[slot] }
        slot = (slot + 1) & (slots.count - 1)
      }
      return nil
    }

    mutating func insert(_ key: Key) -> Int32 {
      var slot = Int(truncatingIfNeeded: key.hash >> shift)
      while slots[slot] >= 0 {
        if keys[Int(slots[slot])] == key { return slots[slot] }
        slot = (slot + 1) & (slots.count - 1)
      }
      let index = Int32(keys.count)
      keys.append(key)
      slots[slot] = index
      if keys.count * 2 > slots.count { grow() }
      return index
    }

    private mutating func grow() {
      slots = Array(repeating: -1, count: slots.count * 4)
      shift -= 2
      for (index, key) in keys.enumerated() {
        var slot = Int(truncatingIfNeeded: key.hash >> shift)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(index)
      }
    }
  }

  /// The simplex of a point: its vertex of remainder 0, and the order in which coordinates are lowered to reach the
  /// other vertices.
  private struct Place {
    var key = Key(low: 0, high: 0)
    /// Four bits per step.
    var order: UInt32 = 0
  }

  /// The largest number of dimensions that fits in a key.
  static let largestDimensions = 2 * Key.lanes - 1

  /// Builds the lattice around points, or returns `nil` if coordinates overflow.
  ///
  /// - Precondition: Points have 1 to ``largestDimensions`` dimensions.
  init?(_ points: PixelFeatures, over workers: WorkerPool) {
    let d = points.dimensions
    precondition(
      (1...Self.largestDimensions).contains(d),
      "a lattice must have 1 to \(Self.largestDimensions) dimensions, not \(d)")
    // In each coordinate a vertex is at most d + 1 from its point, and a neighbour at most d + 1 from the vertex.
    let largest = points.values.reduce(0) { max($0, abs($1)) }
    guard largest * Float(d * (d + 1)) < Float(Key.offset / 2) else { return nil }

    var places = [Place](repeating: Place(), count: points.count)
    var weights = [Float](repeating: 0, count: points.count * (d + 1))
    points.values.withUnsafeBufferPointer { values in
      places.withUnsafeMutableBufferPointer { places in
        weights.withUnsafeMutableBufferPointer { weights in
          workers.forEachRange(points.count, grain: 1024) { range, _ in
            Self.locate(
              range, dimensions: d, values.baseAddress!, places.baseAddress!, weights.baseAddress!)
          }
        }
      }
    }

    let ones = Key(1, in: 0..<d)
    // The last coordinate is the negative sum of the others and is not stored.
    let lowered = (0...d).map { $0 < d ? Key(d + 1, in: [$0]) : Key(low: 0, high: 0) }
    var table = Table()
    var vertices = [Int32](repeating: 0, count: points.count * (d + 1))
    for (point, place) in places.enumerated() {
      var key = place.key
      for remainder in 0...d {
        vertices[point * (d + 1) + remainder] = table.insert(key)
        key = key &+ ones &- lowered[Int(place.order >> UInt32(4 * remainder) & 15)]
      }
    }

    let count = table.keys.count
    var neighbors = [Int32](repeating: Int32(count), count: (d + 1) * count * 2)
    neighbors.withUnsafeMutableBufferPointer { neighbors in
      workers.forEach(d + 1) { axis, _ in
        let step = lowered[axis] &- ones
        let base = axis * count * 2
        for (vertex, key) in table.keys.enumerated() {
          guard let other = table.find(key &+ step) else { continue }
          neighbors[base + 2 * vertex + 1] = other
          neighbors[base + 2 * Int(other)] = Int32(vertex)
        }
      }
    }
    dimensions = d
    vertexCount = count
    self.vertices = vertices
    self.weights = weights
    self.neighbors = neighbors
  }

  /// Finds the simplices of a range of points.
  private static func locate(
    _ range: Range<Int>, dimensions d: Int, _ values: UnsafePointer<Float>, _ places: UnsafeMutablePointer<Place>,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    // The blur has variance 1/2 along each of the d + 1 axes. With splatting and slicing the total is 2 (d + 1)² / 3.
    let deviation = Float(d + 1) * (2.0 / 3.0 as Float).squareRoot()
    let scales = (0..<d).map { deviation / Float(($0 + 1) * ($0 + 2)).squareRoot() }
    var elevated = [Float](repeating: 0, count: d + 1)
    var nearest = [Int](repeating: 0, count: d + 1)
    var rank = [Int](repeating: 0, count: d + 1)
    for point in range {
      var sum: Float = 0
      for i in stride(from: d, to: 0, by: -1) {
        let coordinate = values[point * d + i - 1] * scales[i - 1]
        elevated[i] = sum - Float(i) * coordinate
        sum += coordinate
      }
      elevated[0] = sum
      // Round to the nearest point whose coordinates are multiples of d + 1. It may lie outside the hyperplane.
      var excess = 0
      for i in 0...d {
        let multiple = Int((elevated[i] / Float(d + 1)).rounded())
        nearest[i] = multiple * (d + 1)
        excess += multiple
        rank[i] = 0
      }
      // Rank the differences between the coordinates and the rounded point, the largest first.
      for i in 0..<d {
        let difference = elevated[i] - Float(nearest[i])
        for j in i + 1...d {
          if difference < elevated[j] - Float(nearest[j]) { rank[i] += 1 } else { rank[j] += 1 }
        }
      }
      // Move back to the hyperplane by changing the coordinates with the largest rounding errors.
      for i in 0...d {
        rank[i] += excess
        if rank[i] < 0 {
          rank[i] += d + 1
          nearest[i] += d + 1
        } else if rank[i] > d {
          rank[i] -= d + 1
          nearest[i] -= d + 1
        }
      }
      let row = weights + point * (d + 1)
      for i in 0...d { row[i] = 0 }
      var place = Place()
      for i in 0...d {
        let share = (elevated[i] - Float(nearest[i])) / Float(d + 1)
        let position = d - rank[i]
        row[position] += share
        if position < d { row[position + 1] -= share } else { row[0] -= share }
        place.order |= UInt32(i) << UInt32(4 * position)
        if i < d { place.key = place.key &+ Key(nearest[i] + Key.offset, in: CollectionOfOne(i)) }
      }
      row[0] += 1
      places[point] = place
    }
  }
}
