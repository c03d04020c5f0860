import Foundation
import SegEngine
import TestSupport
import Testing

@testable import SegModels

/// What finds boundaries, bands and distances of all classes at once, against what does it class by class and pixel by pixel.
@Suite struct BoundarySearchTests {
  /// Regions, noise, single pixels: maps in which every shortcut of the search applies somewhere and fails elsewhere.
  private func map(_ width: Int, _ height: Int, classes: Int, noise: Double, _ generator: inout SeededGenerator)
    -> LabelMap
  {
    let side = Int.random(in: 1...max(1, max(width, height) / 2), using: &generator)
    let shift = Int.random(in: 0..<7, using: &generator)
    var map = LabelMap(width: width, height: height)
    for row in 0..<height {
      for column in 0..<width {
        let isNoise = Double.random(in: 0..<1, using: &generator) < noise
        map[row, column] = UInt16(
          isNoise ? Int.random(in: 0..<classes, using: &generator) : ((row + shift) / side + column / side) % classes)
      }
    }
    return map
  }

  private let sizes = [(1, 1), (1, 9), (9, 1), (4, 5), (7, 6), (33, 20), (64, 70), (130, 41)]

  @Test(arguments: [1, 3]) func boundariesAreThoseOfEachClass(_ threads: Int) {
    var generator = SeededGenerator(seed: 1)
    let workers = WorkerPool(threads: threads)
    for (width, height) in sizes {
      for noise in [0, 0.03, 0.6] {
        let labels = map(width, height, classes: 4, noise: noise, &generator)
        let truth = map(width, height, classes: 6, noise: 0, &generator)
        for neighbours in BoundaryRule.Neighbours.allCases {
          for unknown in [nil, 5] as [UInt16?] {
            // Label 3 is no class here.
            let found = ClassBoundaries(
              of: labels, classes: 3, neighbours: neighbours, unknown: unknown.map { (truth, $0) }, on: workers)
            for label in 0..<3 {
              let mask = BinaryMask(labels, label: UInt16(label))
              let hidden = unknown.map { BinaryMask(truth, label: $0) }
              #expect(found.isPresent[label] == !mask.isEmpty)
              for isOutside in [false, true] {
                let expected = mask.boundary(
                  BoundaryRule(neighbours: neighbours, imageEdgeIsOutside: isOutside), unknown: hidden)
                let places = found.withPixels(of: label) { pixels in
                  pixels.filter { isOutside || $0.hasNeighbourOutside }.map { Int($0.row) * width + Int($0.column) }
                }
                #expect(places == expected.isSet.indices.filter { expected.isSet[$0] }, "\(width)×\(height)")
              }
            }
          }
        }
      }
    }
  }

  @Test func distancesAreThoseOfASearchOfAll() {
    var generator = SeededGenerator(seed: 2)
    for (width, height) in sizes + [(400, 3)] {
      for (queryShare, targetShare) in [(0.5, 0.5), (0.9, 0.002), (0.01, 0.3), (1, 1), (0.3, 0)] {
        func pixels(_ share: Double) -> [BoundaryPixel] {
          (0..<width * height).filter { _ in Double.random(in: 0..<1, using: &generator) < share }.map {
            BoundaryPixel(
              row: Int32($0 / width), column: Int32($0 % width), hasNeighbourOutside: Bool.random(using: &generator))
          }
        }
        let (queries, targets) = (pixels(queryShare), pixels(targetShare))
        for countsEdges in [true, false] {
          for spacing in [PixelSpacing.unit, PixelSpacing(vertical: 0.7, horizontal: 1.3)] {
            let counted = targets.filter { countsEdges || $0.hasNeighbourOutside }
            let expected = queries.filter { countsEdges || $0.hasNeighbourOutside }.map { query in
              counted.map { target in
                let down = Double(query.row - target.row) * spacing.vertical
                let across = Double(query.column - target.column) * spacing.horizontal
                return down * down + across * across
              }.min() ?? .infinity
            }
            for bound in [Double.infinity, 10] {
              var found: [Double] = []
              queries.withUnsafeBufferPointer { queries in
                targets.withUnsafeBufferPointer { targets in
                  var nearest = NearestPixels(targets, countsEdges: countsEdges, width: width, spacing: spacing)
                  nearest.forEachSquaredDistance(from: queries, below: bound) { found.append($0) }
                }
              }
              // Other spacings round, and the envelope may take a neighbour whose value is the same but for that.
              let isClose = zip(found, expected).allSatisfy { $0 == min($1, bound) || abs($0 - $1) <= 1e-12 * $1 }
              #expect(found.count == expected.count && isClose, "\(width)×\(height), \(targetShare)")
              if spacing == .unit { #expect(found == expected.map { min($0, bound) }) }
            }
          }
        }
      }
    }
  }

  /// A row with many pixels far from all targets is finished by the envelope of its columns.
  @Test func longSearchesAreCutShort() {
    let (width, height) = (300, 40)
    let queries = (0..<width * height / 2).map {
      BoundaryPixel(row: Int32($0 / width), column: Int32($0 % width), hasNeighbourOutside: true)
    }
    let targets = (0..<width).map {
      BoundaryPixel(row: Int32(height - 1 - $0 % 3), column: Int32($0), hasNeighbourOutside: true)
    }.sorted { ($0.row, $0.column) < ($1.row, $1.column) }
    var found: [Double] = []
    queries.withUnsafeBufferPointer { queries in
      targets.withUnsafeBufferPointer { targets in
        var nearest = NearestPixels(targets, countsEdges: true, width: width, spacing: .unit)
        nearest.forEachSquaredDistance(from: queries) { found.append($0) }
      }
    }
    var mask = BinaryMask(width: width, height: height, isSet: Array(repeating: false, count: width * height))
    for target in targets { mask.isSet[Int(target.row) * width + Int(target.column)] = true }
    #expect(found == DistanceTransform.squaredDistances(to: mask).prefix(queries.count).map(Double.init))
  }

  @Test(arguments: [1, 3]) func surroundedPixelsAreThoseOfTheErosion(_ threads: Int) {
    var generator = SeededGenerator(seed: 3)
    let workers = WorkerPool(threads: threads)
    for (width, height) in sizes {
      for reach in [1, 2, 5] {
        let labels = map(width, height, classes: 3, noise: 0.01, &generator)
        var marks = [UInt8](repeating: 4, count: width * height)
        SurroundedPixels.mark(2, in: labels, reach: reach, into: &marks, on: workers)
        let expected = (0..<width * height).map { place -> UInt8 in
          let (row, column) = (place / width, place % width)
          let isInside = row >= reach && row + reach < height && column >= reach && column + reach < width
          let isOne =
            isInside
            && (-reach...reach).allSatisfy { down in
              (-reach...reach).allSatisfy { labels[row + down, column + $0] == labels[row, column] }
            }
          return isOne ? 6 : 4
        }
        #expect(marks == expected, "\(width)×\(height), \(reach)")
      }
    }
  }

  /// Narrow bands by small numbers, wide ones by the distance transform.
  @Test(arguments: [[1], [1, 3, 5, 10], [2, 64], [3, 65], [1, 1_000_000_000_000]]) func bandsAreThoseOfDistances(
    _ widths: [Int]
  ) {
    var generator = SeededGenerator(seed: 4)
    for (width, height) in sizes {
      for share in [0, 0.004, 0.2] {
        let mask = BinaryMask(
          width: width, height: height,
          isSet: (0..<width * height).map { _ in Double.random(in: 0..<1, using: &generator) < share })
        let distances = DistanceTransform.squaredDistances(to: mask)
        let expected = distances.map { squared in
          UInt8(widths.firstIndex { squared != .max && Double(squared) < Double($0) * Double($0) } ?? widths.count)
        }
        #expect(BoundaryBands.narrowest(around: mask, widths: widths, on: .shared) == expected, "\(width)×\(height)")
      }
    }
  }

  @Test func boundariesOfLabelsAreThoseOfALoop() {
    var generator = SeededGenerator(seed: 5)
    for (width, height) in sizes {
      let labels = map(width, height, classes: 4, noise: 0.05, &generator)
      for ignoredBorders in [true, false] {
        let expected = (0..<width * height).map { place in
          let (row, column) = (place / width, place % width)
          guard labels.labels[place] != 2 else { return false }
          return [(-1, 0), (1, 0), (0, -1), (0, 1)].contains { down, across in
            let (y, x) = (row + down, column + across)
            guard y >= 0, y < height, x >= 0, x < width else { return false }
            return labels[y, x] != labels.labels[place] && (ignoredBorders || labels[y, x] != 2)
          }
        }
        #expect(labels.labelBoundaries(ignoring: 2, ignoredBorders: ignoredBorders, on: .shared).isSet == expected)
      }
    }
  }

  @Test func percentilesAreThoseOfSortedNumbers() {
    var generator = SeededGenerator(seed: 6)
    for count in [1, 2, 3, 10, 57, 1000] {
      for kind in 0..<4 {
        let values = (0..<count).map { index -> Double in
          switch kind {
          case 0: Double.random(in: 0..<9, using: &generator)
          case 1: Double(Int.random(in: 0..<3, using: &generator))
          case 2: Double(index)
          default: index % 3 == 0 ? .infinity : Double(count - index)
          }
        }
        let sorted = values.sorted()
        for percent in [0, 5, 50, 95, 99.9, 100] {
          let position = percent / 100 * Double(count - 1)
          let (lower, upper) = (sorted[Int(position)], sorted[min(Int(position) + 1, count - 1)])
          let expected =
            position == position.rounded(.down) || lower == upper
            ? lower : lower + (position - position.rounded(.down)) * (upper - lower)
          var copy = values
          #expect(copy.withUnsafeMutableBufferPointer { $0.percentile(percent) } == expected, "\(count), \(percent)")
        }
      }
    }
    var none: [Double] = []
    #expect(none.withUnsafeMutableBufferPointer { $0.percentile(95) } == nil)
  }
}
