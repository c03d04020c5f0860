import SegEngine

extension LabelMap {
  /// Returns the map without small connected components: specks, and holes of other classes inside a region.
  ///
  /// A component (`ConnectedComponents`) of fewer than `pixels` pixels takes another class:
  ///
  /// 1. The smallest component is taken first; of equal ones that whose first pixel comes first, rows from the top and
  ///    columns from the left.
  /// 2. Its bordering pixels are the pixels outside it that are neighbours of one of its pixels under `connectivity`.
  ///    Each counts once, with the class that it has at that time. Pixels with an ignored label do not count.
  /// 3. All pixels of the component take the class that the most bordering pixels have; of several such classes the
  ///    smallest. The component is then one with the components of that class which it touches. If the union is still
  ///    smaller than `pixels`, it is taken again when it is the smallest.
  /// 4. A component without bordering pixels that count stays as it is.
  ///
  /// Components of an ignored label never change, whatever their size. So no component of another label that is smaller
  /// than `pixels` remains, unless nothing but ignored labels and the map's edge surrounds it.
  ///
  /// The time is proportional to the number of pixels, and for small components to their pixels times log(`pixels`).
  ///
  /// - Parameters:
  ///   - pixels: The size from which on components are kept. 0 and 1 keep all.
  ///   - connectivity: The neighbours that a pixel is connected to.
  ///   - ignored: Labels that are neither changed nor spread.
  public func removingComponents(
    smallerThan pixels: Int, connectivity: Connectivity = .four,
    ignoring ignored: Set<UInt16> = [LabelMap.defaultIgnoreLabel, LabelMap.unlabelled]
  ) -> LabelMap {
    guard pixels > 1 else { return self }
    var merging = ComponentMerging(self, connectivity: connectivity, ignoring: ignored)
    merging.mergeComponents(smallerThan: pixels)
    return merging.apply(to: self)
  }
}

/// The components of a label map while small ones are merged with their neighbours.
///
/// Each merge takes the smallest component and at least one that is not smaller, so that a pixel's component at least
/// doubles whenever its border is walked.
private struct ComponentMerging {
  /// A component that may be too small.
  private struct Candidate: Comparable {
    let size: Int
    /// The first run of the component, its root.
    let root: Int

    static func < (left: Candidate, right: Candidate) -> Bool {
      (left.size, left.root) < (right.size, right.root)
    }
  }

  private let runs: PixelRuns
  private let reach: Int
  private let ignored: Set<UInt16>
  private var forest: RunForest
  /// Label and size of each component, at the index of its root.
  private var labels: [UInt16]
  private var sizes: [Int]
  /// The runs of a component as a list that begins at its root: the next run, or −1, and for a root the last.
  private var next: [Int32]
  private var last: [Int32]
  /// The row of each run.
  private var rows: [Int32]

  // The walk along a component's border.
  /// The number of the last walk that came by a pixel.
  private var visits: [Int32] = []
  private var walk: Int32 = 0
  /// Bordering pixels by label. All are 0 between two walks.
  private var votes = [Int](repeating: 0, count: Int(UInt16.max) + 1)
  private var votedLabels: [UInt16] = []
  private var neighbours: [Int] = []

  init(_ map: LabelMap, connectivity: Connectivity, ignoring ignored: Set<UInt16>) {
    runs = PixelRuns(map)
    reach = connectivity.reach
    self.ignored = ignored
    forest = RunForest(runs, connectivity: connectivity)
    labels = runs.labels
    sizes = Array(repeating: 0, count: runs.count)
    next = Array(repeating: -1, count: runs.count)
    last = (0..<Int32(runs.count)).map { $0 }
    rows = Array(repeating: 0, count: runs.count)
    for row in 0..<runs.height {
      for run in runs.rowStarts[row]..<runs.rowStarts[row + 1] {
        let root = forest.root(of: run)
        sizes[root] += runs.end(of: run, row: row) - Int(runs.columns[run])
        rows[run] = Int32(truncatingIfNeeded: row)
        if root != run {
          next[Int(last[root])] = Int32(truncatingIfNeeded: run)
          last[root] = Int32(truncatingIfNeeded: run)
        }
      }
    }
  }

  mutating func mergeComponents(smallerThan pixels: Int) {
    var small: [Candidate] = []
    for run in 0..<runs.count
    where forest.parents[run] == run && sizes[run] < pixels && !ignored.contains(labels[run]) {
      small.append(Candidate(size: sizes[run], root: run))
    }
    guard !small.isEmpty else { return }
    var candidates = MinimumHeap(small)
    visits = Array(repeating: 0, count: runs.width * runs.height)
    while let candidate = candidates.popMinimum() {
      let root = candidate.root
      // A component that was merged since is a candidate of its new size.
      guard forest.parents[root] == root, sizes[root] == candidate.size, let label = winningLabel(around: root) else {
        continue
      }
      labels[root] = label
      let union = unite(root, withNeighboursOf: label)
      if sizes[union] < pixels { candidates.insert(Candidate(size: sizes[union], root: union)) }
    }
  }

  /// Returns the map with the components' labels.
  func apply(to map: LabelMap) -> LabelMap {
    var (result, forest) = (map, forest)
    for row in 0..<runs.height {
      for run in runs.rowStarts[row]..<runs.rowStarts[row + 1] {
        let label = labels[forest.root(of: run)]
        guard label != runs.labels[run] else { continue }
        for column in Int(runs.columns[run])..<runs.end(of: run, row: row) { result[row, column] = label }
      }
    }
    return result
  }

  /// Walks along the border of a component, collects its neighbours and returns the label that most bordering pixels
  /// have, or `nil` if none counts.
  private mutating func winningLabel(around root: Int) -> UInt16? {
    walk += 1
    neighbours.removeAll(keepingCapacity: true)
    votedLabels.removeAll(keepingCapacity: true)
    var run = root
    while run >= 0 {
      let row = Int(rows[run])
      let (start, end) = (Int(runs.columns[run]), runs.end(of: run, row: row))
      if start > 0 { visit(run - 1, row, start - 1..<start, around: root) }
      if end < runs.width { visit(run + 1, row, end..<end + 1, around: root) }
      let columns = max(start - reach, 0)..<min(end + reach, runs.width)
      for other in [row - 1, row + 1] where other >= 0 && other < runs.height {
        var neighbour = runs.run(row: other, column: columns.lowerBound)
        while neighbour < runs.rowStarts[other + 1], Int(runs.columns[neighbour]) < columns.upperBound {
          let shared =
            max(
              columns.lowerBound, Int(runs.columns[neighbour]))..<min(
              columns.upperBound, runs.end(of: neighbour, row: other))
          visit(neighbour, other, shared, around: root)
          neighbour += 1
        }
      }
      run = Int(next[run])
    }
    var winner: UInt16?
    for label in votedLabels {
      let count = votes[Int(label)]
      guard let best = winner else {
        winner = label
        continue
      }
      if (count, best) > (votes[Int(best)], label) { winner = label }
    }
    for label in votedLabels { votes[Int(label)] = 0 }
    return winner
  }

  /// Counts the pixels of a run that border on a component, unless the run is a part of it.
  private mutating func visit(_ run: Int, _ row: Int, _ columns: Range<Int>, around root: Int) {
    let neighbour = forest.root(of: run)
    guard neighbour != root else { return }
    let label = labels[neighbour]
    guard !ignored.contains(label) else { return }
    if neighbours.last != neighbour { neighbours.append(neighbour) }
    for pixel in row * runs.width + columns.lowerBound..<row * runs.width + columns.upperBound
    where visits[pixel] != walk {
      visits[pixel] = walk
      if votes[Int(label)] == 0 { votedLabels.append(label) }
      votes[Int(label)] += 1
    }
  }

  /// Unites a component with those of its neighbours that have a label, and returns the root of the union.
  private mutating func unite(_ root: Int, withNeighboursOf label: UInt16) -> Int {
    var root = root
    for neighbour in neighbours where labels[neighbour] == label {
      let other = forest.root(of: neighbour)
      guard other != root else { continue }
      let union = forest.unite(root, other)
      let rest = max(root, other)
      sizes[union] += sizes[rest]
      next[Int(last[union])] = Int32(truncatingIfNeeded: rest)
      last[union] = last[rest]
      labels[union] = label
      root = union
    }
    return root
  }
}
