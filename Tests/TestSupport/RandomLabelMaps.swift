import SegEngine

extension LabelMap {
  /// A map of regions with holes, specks and pixels that touch at corners only, the same for the same seed. Four kinds
  /// take turns: a label drawn for each pixel; the same with the most frequent label of each 3 × 3 pixels; rectangles and
  /// diagonal lines over each other; and a region with many holes.
  public static func random(width: Int, height: Int, classes: UInt16, seed: UInt64) -> LabelMap {
    var generator = SeededGenerator(seed: seed)
    var map = LabelMap(width: width, height: height)
    func draw() -> UInt16 { UInt16.random(in: 0..<classes, using: &generator) }
    switch seed % 4 {
    case 0:
      for index in map.labels.indices { map.labels[index] = draw() }
    case 1:
      for index in map.labels.indices { map.labels[index] = draw() }
      map = map.smoothed()
    case 2:
      for _ in 0..<12 {
        let label = draw()
        let (left, top) = (Int.random(in: 0..<width, using: &generator), Int.random(in: 0..<height, using: &generator))
        let length = Int.random(in: 1...max(width, height) / 2, using: &generator)
        let thickness = Int.random(in: 1...8, using: &generator)
        let isDiagonal = Bool.random(using: &generator)
        for step in 0..<length {
          for offset in 0..<(isDiagonal ? 1 : thickness) {
            let (row, column) = (top + (isDiagonal ? step : offset), left + step)
            if row < height, column < width { map[row, column] = label }
          }
        }
      }
    default:
      for index in map.labels.indices {
        map.labels[index] = Int.random(in: 0..<4, using: &generator) == 0 ? draw() : 1
      }
    }
    return map
  }

  /// The most frequent label of the 3 × 3 pixels around each pixel, the smallest of several.
  private func smoothed() -> LabelMap {
    var result = self
    for row in 0..<height {
      for column in 0..<width {
        var counts: [UInt16: Int] = [:]
        for y in max(row - 1, 0)...min(row + 1, height - 1) {
          for x in max(column - 1, 0)...min(column + 1, width - 1) { counts[self[y, x], default: 0] += 1 }
        }
        result[row, column] = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }!.key
      }
    }
    return result
  }

  /// A map drawn as lines of digits, each the label of a pixel; `.` is label 0.
  public init(_ lines: String...) {
    let labels = lines.flatMap { $0.map { UInt16($0.wholeNumberValue ?? 0) } }
    self.init(width: lines.first?.count ?? 0, height: lines.count, labels: labels)
  }
}

/// The components of a label map by flood fill, numbered by their first pixels: the component of each pixel.
public func naiveComponents(_ map: LabelMap, _ connectivity: Connectivity) -> [Int] {
  var components = [Int](repeating: -1, count: map.labels.count)
  var count = 0
  for start in components.indices where components[start] < 0 {
    var pending = [start]
    components[start] = count
    while let pixel = pending.popLast() {
      for neighbour in naiveNeighbours(of: pixel, in: map, connectivity)
      where components[neighbour] < 0 && map.labels[neighbour] == map.labels[start] {
        components[neighbour] = count
        pending.append(neighbour)
      }
    }
    count += 1
  }
  return components
}

/// The neighbours of a pixel.
public func naiveNeighbours(of pixel: Int, in map: LabelMap, _ connectivity: Connectivity) -> [Int] {
  let (row, column) = (pixel / map.width, pixel % map.width)
  var result: [Int] = []
  for (dy, dx) in [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)] {
    guard connectivity == .eight || dy == 0 || dx == 0 else { continue }
    let (y, x) = (row + dy, column + dx)
    if y >= 0, y < map.height, x >= 0, x < map.width { result.append(y * map.width + x) }
  }
  return result
}
