import SegEngine

/// The boundary pixels of every class of a label map, found in one pass.
///
/// The pixels of a class are in raster order: by row, then by column.
struct ClassBoundaries {
  /// Whether each class occurs.
  private(set) var isPresent: [Bool]
  private var pixels: [BoundaryPixel] = []
  /// The offset of each class's first pixel, and the end of the last class.
  private var starts: [Int]

  /// Finds the boundaries of a map.
  ///
  /// - Parameters:
  ///   - map: The labels. Labels outside the classes are skipped.
  ///   - classes: The number of classes.
  ///   - neighbours: The neighbourhood of a pixel.
  ///   - unknown: A map of the same size and a label. Its pixels of that label do not make their neighbours boundary
  ///     pixels.
  ///   - workers: The threads to run on.
  init(
    of map: LabelMap, classes: Int, neighbours: BoundaryRule.Neighbours, unknown: (map: LabelMap, label: UInt16)?,
    on workers: WorkerPool
  ) {
    precondition(max(map.width, map.height) <= 1 << 24, "a map of \(map.width)×\(map.height) pixels is too large")
    isPresent = Array(repeating: false, count: classes)
    starts = Array(repeating: 0, count: classes + 1)
    guard !map.labels.isEmpty else { return }
    let rowsOfPart = max(16, (map.height + 63) / 64)
    let count = (map.height + rowsOfPart - 1) / rowsOfPart
    var parts = [Part](repeating: Part(classes: classes), count: count)
    map.labels.withUnsafeBufferPointer { labels in
      func find(_ unknown: UnsafePointer<UInt16>?, _ unknownLabel: UInt16) {
        let scan = BoundaryScan(
          labels: labels.baseAddress!, width: map.width, height: map.height, classes: classes,
          looksAtCorners: neighbours == .eight, unknown: unknown, unknownLabel: unknownLabel)
        parts.withUnsafeMutableBufferPointer { parts in
          workers.forEach(count) { part, _ in
            for row in part * rowsOfPart..<min(map.height, (part + 1) * rowsOfPart) {
              scan.add(row: row, to: &parts[part])
            }
          }
        }
      }
      if let unknown {
        precondition(
          unknown.map.width == map.width && unknown.map.height == map.height, "both maps must have the same size")
        unknown.map.labels.withUnsafeBufferPointer { find($0.baseAddress!, unknown.label) }
      } else {
        find(nil, 0)
      }
    }
    join(parts, on: workers)
  }

  /// Calls `body` with the boundary pixels of a class, including those that are boundary only because of the image
  /// edge.
  func withPixels<Result>(of label: Int, _ body: (UnsafeBufferPointer<BoundaryPixel>) -> Result) -> Result {
    pixels.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[starts[label]..<starts[label + 1]])) }
  }

  /// The number of boundary pixels of a class, including those that are boundary only because of the image edge.
  func count(of label: Int) -> Int { starts[label + 1] - starts[label] }

  /// Concatenates the parts' pixels by class, in a stable order.
  private mutating func join(_ parts: [Part], on workers: WorkerPool) {
    let classes = isPresent.count
    var places = [Int](repeating: 0, count: parts.count * classes)
    var total = 0
    for label in 0..<classes {
      starts[label] = total
      for (index, part) in parts.enumerated() {
        places[index * classes + label] = total
        total += part.counts[label]
        if part.isPresent[label] { isPresent[label] = true }
      }
    }
    starts[classes] = total
    pixels = Array(unsafeUninitializedCapacity: total) { pixels, count in
      places.withUnsafeMutableBufferPointer { places in
        workers.forEach(parts.count) { index, _ in
          let places = places.baseAddress! + index * classes
          for (pixel, label) in zip(parts[index].pixels, parts[index].labels) {
            (pixels.baseAddress! + places[Int(label)]).initialize(to: pixel)
            places[Int(label)] += 1
          }
        }
      }
      count = total
    }
  }
}

/// The boundary pixels of a strip of rows.
private struct Part {
  var pixels: [BoundaryPixel] = []
  /// The class of each pixel.
  var labels: [UInt16] = []
  /// The number of pixels of each class.
  var counts: [Int]
  var isPresent: [Bool]

  init(classes: Int) {
    counts = Array(repeating: 0, count: classes)
    isPresent = Array(repeating: false, count: classes)
  }
}

/// The search for boundary pixels in a row.
///
/// Four adjacent labels are compared with their neighbours at once. Inside a region no further work is needed.
private struct BoundaryScan {
  let labels: UnsafePointer<UInt16>
  let width, height, classes: Int
  let looksAtCorners: Bool
  let unknown: UnsafePointer<UInt16>?
  let unknownLabel: UInt16

  func add(row: Int, to part: inout Part) {
    let first = row * width
    guard row > 0, row + 1 < height else {
      for column in 0..<width { add(row, column, to: &part) }
      return
    }
    add(row, 0, to: &part)
    var column = 1
    while column + 5 <= width {
      let place = first + column
      let four = load(place)
      var difference =
        (four ^ load(place - 1)) | (four ^ load(place + 1)) | (four ^ load(place - width))
        | (four ^ load(place + width))
      if looksAtCorners {
        difference |= (four ^ load(place - width - 1)) | (four ^ load(place - width + 1))
        difference |= (four ^ load(place + width - 1)) | (four ^ load(place + width + 1))
      }
      if difference != 0 {
        for offset in 0..<4 { add(row, column + offset, to: &part) }
      }
      column += 4
    }
    while column < width {
      add(row, column, to: &part)
      column += 1
    }
  }

  private func load(_ place: Int) -> UInt64 {
    UnsafeRawPointer(labels + place).loadUnaligned(as: UInt64.self)
  }

  private func add(_ row: Int, _ column: Int, to part: inout Part) {
    let place = row * width + column
    let label = labels[place]
    guard label < classes else { return }
    part.isPresent[Int(label)] = true
    func isOutside(_ other: Int) -> Bool {
      labels[other] != label && unknown.map { $0[other] != unknownLabel } ?? true
    }
    let (isAbove, isBelow, isLeft, isRight) = (row > 0, row + 1 < height, column > 0, column + 1 < width)
    var hasNeighbourOutside =
      isAbove && isOutside(place - width) || isBelow && isOutside(place + width) || isLeft && isOutside(place - 1)
      || isRight && isOutside(place + 1)
    if looksAtCorners && !hasNeighbourOutside {
      hasNeighbourOutside =
        isAbove && (isLeft && isOutside(place - width - 1) || isRight && isOutside(place - width + 1))
        || isBelow && (isLeft && isOutside(place + width - 1) || isRight && isOutside(place + width + 1))
    }
    guard hasNeighbourOutside || !(isAbove && isBelow && isLeft && isRight) else { return }
    part.pixels.append(
      BoundaryPixel(row: Int32(row), column: Int32(column), hasNeighbourOutside: hasNeighbourOutside))
    part.labels.append(label)
    part.counts[Int(label)] += 1
  }
}
