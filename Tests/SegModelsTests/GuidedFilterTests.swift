import SegEngine
import Testing

@testable import SegModels

/// The guided filter and cutouts, against the definition in plain loops.
@Suite struct GuidedFilterTests {
  private func random(_ count: Int, _ generator: inout SeededGenerator) -> [Float] {
    (0..<count).map { _ in Float.random(in: 0...1, using: &generator) }
  }

  @Test(arguments: [(1, 1, 3), (7, 5, 2), (13, 31, 4), (6, 40, 9)])
  func boxMeansAreThoseOfTheDefinition(_ height: Int, _ width: Int, _ radius: Int) {
    var generator = SeededGenerator(seed: 5)
    let planes = Planes(
      height: height, width: width, planes: (0..<3).map { _ in random(height * width, &generator) })
    let means = planes.boxMeans(radius: radius, on: .shared)
    for (plane, mean) in zip(planes.planes, means.planes) {
      for row in 0..<height {
        for column in 0..<width {
          var (sum, count) = (0.0, 0.0)
          for y in max(0, row - radius)...min(height - 1, row + radius) {
            for x in max(0, column - radius)...min(width - 1, column + radius) {
              sum += Double(plane[y * width + x])
              count += 1
            }
          }
          #expect(abs(Double(mean[row * width + column]) - sum / count) < 1e-6)
        }
      }
    }
  }

  /// The coefficients of each window solve its normal equations by Gaussian elimination, in Double.
  @Test func coefficientsSolveEachWindowsLeastSquares() {
    let (height, width, radius, epsilon) = (9, 11, 2, 0.01)
    var generator = SeededGenerator(seed: 8)
    let guide = Planes(height: height, width: width, planes: (0..<3).map { _ in random(height * width, &generator) })
    let map = Planes(height: height, width: width, planes: [random(height * width, &generator)])
    let filter = GuidedFilter(radius: radius, regularization: Float(epsilon), reducedExtent: 100)
    let found = filter.coefficients(of: map, guide: guide, on: .shared)

    func window(_ row: Int, _ column: Int) -> [Int] {
      (max(0, row - radius)...min(height - 1, row + radius)).flatMap { y in
        (max(0, column - radius)...min(width - 1, column + radius)).map { y * width + $0 }
      }
    }
    func solution(_ row: Int, _ column: Int) -> [Double] {
      let pixels = window(row, column)
      // Minimise Σ (aᵀI + b − p)² + n ε |a|² over a and b: four normal equations.
      var matrix = [[Double]](repeating: [Double](repeating: 0, count: 5), count: 4)
      for pixel in pixels {
        let terms = guide.planes.map { Double($0[pixel]) } + [1, Double(map.planes[0][pixel])]
        for r in 0..<4 { for c in 0..<5 { matrix[r][c] += terms[r] * terms[c] } }
      }
      for r in 0..<3 { matrix[r][r] += epsilon * Double(pixels.count) }
      for pivot in 0..<4 {
        for r in pivot + 1..<4 {
          let factor = matrix[r][pivot] / matrix[pivot][pivot]
          for c in pivot..<5 { matrix[r][c] -= factor * matrix[pivot][c] }
        }
      }
      var x = [Double](repeating: 0, count: 4)
      for r in (0..<4).reversed() {
        x[r] = (matrix[r][4] - (r + 1..<4).reduce(0) { $0 + matrix[r][$1] * x[$1] }) / matrix[r][r]
      }
      return x
    }
    let solutions = (0..<height * width).map { solution($0 / width, $0 % width) }
    for row in 0..<height {
      for column in 0..<width {
        let pixels = window(row, column)
        for index in 0..<4 {
          let mean = pixels.reduce(0) { $0 + solutions[$1][index] } / Double(pixels.count)
          #expect(abs(Double(found.planes[index][row * width + column]) - mean) < 2e-5)
        }
      }
    }
  }

  /// Bilinear interpolation between the centres of pixels reproduces linear functions inside.
  @Test func interpolationIsBilinear() {
    let interpolation = PlaneInterpolation(from: 8, to: 24)
    let row = (0..<8).map(Float.init)
    for column in 0..<24 {
      let wanted = min(max((Float(column) + 0.5) / 3 - 0.5, 0), 7)
      #expect(abs(interpolation.value(column, of: row) - wanted) < 1e-6)
    }
    let plane = (0..<8).flatMap { y in (0..<3).map { Float(10 * y + $0) } }
    #expect(interpolation.row(13, of: plane, width: 3) == [40, 41, 42])
  }

  /// A disc of one colour on another: a blurred map of it becomes opaque inside, transparent outside, and sharper.
  @Test func cutoutsFollowTheEdge() throws {
    let size = 120
    func isInside(_ y: Int, _ x: Int) -> Bool { (y - 60) * (y - 60) + (x - 60) * (x - 60) < 40 * 40 }
    var (pixels, map): ([UInt8], [Float]) = ([], [])
    for y in 0..<size {
      for x in 0..<size {
        pixels += isInside(y, x) ? [220, 120, 20] : [20, 60, 160]
        let distance = Double((y - 60) * (y - 60) + (x - 60) * (x - 60)).squareRoot()
        map.append(Float(min(max((46 - distance) / 12, 0), 1)))
      }
    }
    let image = Image(width: size, height: size, layout: .rgb, samples: .uint8(pixels))
    let guide = Planes(
      height: size, width: size,
      planes: (0..<3).map { c in (0..<size * size).map { Float(pixels[3 * $0 + c]) / 255 } })
    let foreground = Planes(height: size, width: size, planes: [map])
    func alpha(_ cutout: Cutout) throws -> [UInt8] {
      let result = cutout(image, foreground: foreground, guide: guide, on: .shared)
      #expect(result.layout == .rgba && result.width == size && result.height == size)
      guard case .uint8(let samples) = result.samples else { return [] }
      // Opaque pixels keep their colours exactly.
      for pixel in 0..<size * size where samples[4 * pixel + 3] == 255 {
        #expect(Array(samples[4 * pixel..<4 * pixel + 3]) == Array(pixels[3 * pixel..<3 * pixel + 3]))
      }
      return (0..<size * size).map { samples[4 * $0 + 3] }
    }
    let (refined, plain) = (try alpha(Cutout()), try alpha(Cutout(refinement: nil)))
    func error(_ alpha: [UInt8]) -> Int {
      (0..<size * size).reduce(0) { $0 + abs(Int(alpha[$1]) - (isInside($1 / size, $1 % size) ? 255 : 0)) }
    }
    #expect(error(refined) * 2 < error(plain))
    #expect(refined[60 * size + 60] == 255 && refined[0] == 0)
  }
}
