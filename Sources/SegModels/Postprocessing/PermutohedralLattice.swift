import SegEngine

/// The vertices of a permutohedral lattice that lie around given points, and how far each point is from them (Adams, Baek and Davis
/// 2010, "Fast High-Dimensional Filtering Using the Permutohedral Lattice").
///
/// The lattice lies in the hyperplane Σ x = 0 of d + 1 dimensions. A point x of d dimensions is taken there by an isometry, scaled so
/// that the blur along the lattice's axes together with splatting and slicing has the variance 1 of the features; it lies in a simplex
/// of d + 1 vertices, whose barycentric coordinates are its weights.
struct PermutohedralLattice: Sendable {
  /// Dimensions d of the points.
  let dimensions: Int
  /// Number of vertices.
  let vertexCount: Int
  /// The vertices around each point, `[point, d + 1]`.
  let vertices: [Int32]
  /// Their weights, `[point, d + 1]`, which sum to 1 a point.
  let weights: [Float]
  /// The vertices before and after each along each axis, `[axis, vertex, 2]`; ``vertexCount`` where there is none.
  let neighbors: [Int32]

  /// A lattice vertex: its first d coordinates, each as 21 bits with an offset, so that a step is one addition a word.
  private struct Key: Equatable {
    var low, high: UInt64

    static let lanes = 3
    static let bits = 21
    static let offset = 1 << (bits - 1)

    /// The same number in the lanes of some coordinates, for adding.
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

  /// An open-addressed table of vertices, numbered in the order in which they came.
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

  /// Where a point lies: the vertex of remainder 0 of its simplex, and the coordinate that the step to each next one lowers.
  private struct Place {
    var key = Key(low: 0, high: 0)
    /// Four bits a step.
    var order: UInt32 = 0
  }

  /// The largest number of dimensions that a key holds.
  static let largestDimensions = 2 * Key.lanes - 1

  /// The lattice around some points, or `nil` where coordinates would leave their range.
  ///
  /// - Precondition: points have 1 to ``largestDimensions`` dimensions.
  init?(_ points: PixelFeatures, over workers: WorkerPool) {
    let d = points.dimensions
    precondition((1...Self.largestDimensions).contains(d), "a lattice of \(d) dimensions")
    // A vertex is at most d + 1 from its point in each coordinate, and a neighbour as far again.
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
    // The last coordinate is the sum of the others with its sign changed, and has no lane.
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

  /// Finds the simplices of some points.
  private static func locate(
    _ range: Range<Int>, dimensions d: Int, _ values: UnsafePointer<Float>, _ places: UnsafeMutablePointer<Place>,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    // The blur has variance 1/2 along each of the d + 1 axes, splatting and slicing the rest: 2 (d + 1)² / 3 in all.
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
      // The nearest point whose coordinates are multiples of d + 1; it need not lie in the hyperplane.
      var excess = 0
      for i in 0...d {
        let multiple = Int((elevated[i] / Float(d + 1)).rounded())
        nearest[i] = multiple * (d + 1)
        excess += multiple
        rank[i] = 0
      }
      // By how much each coordinate is above it, ranked from the largest.
      for i in 0..<d {
        let difference = elevated[i] - Float(nearest[i])
        for j in i + 1...d {
          if difference < elevated[j] - Float(nearest[j]) { rank[i] += 1 } else { rank[j] += 1 }
        }
      }
      // Back to the hyperplane, where it costs least.
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
