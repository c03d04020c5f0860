import Foundation
import SegEngine
import SegModels

/// Mean-field inference of a dense CRF from its definition, in Double: loops over all pairs of pixels, or those of a window.
struct NaiveDenseCRF {
  struct Kernel {
    let weight: Double
    let position: Double
    var color: Double? = nil
    /// µ(l, l′)
    let cost: (Int, Int) -> Double
  }

  let kernels: [Kernel]
  let iterations: Int
  /// Pairs further apart than this along an axis do not see each other.
  var radius = Int.max

  /// The marginals `[height, width, classes]`; `colors` are three numbers a pixel.
  func marginals(_ p: [Double], height: Int, width: Int, colors: [Double]) -> [Double] {
    let pixels = height * width
    let classes = p.count / pixels
    let tables = kernels.map { kernel -> [[Double]] in
      let raw = (0..<pixels).map { i in
        (0..<pixels).map { j -> Double in
          let (y, x) = (i / width - j / width, i % width - j % width)
          if abs(y) > radius || abs(x) > radius { return 0 }
          var exponent = Double(y * y + x * x) / (2 * kernel.position * kernel.position)
          if let color = kernel.color {
            let distance = (0..<3).reduce(0.0) { $0 + pow(colors[3 * i + $1] - colors[3 * j + $1], 2) }
            exponent += distance / (2 * color * color)
          }
          return exp(-exponent)
        }
      }
      let sums = raw.map { $0.reduce(0, +) }
      return (0..<pixels).map { i in (0..<pixels).map { j in raw[i][j] / (sums[i] * sums[j]).squareRoot() } }
    }
    var q = p
    for _ in 0..<iterations {
      var next = q
      for i in 0..<pixels {
        var energies = (0..<classes).map { -log(max(p[i * classes + $0], 1e-5)) }
        for (kernel, table) in zip(kernels, tables) {
          var filtered = [Double](repeating: 0, count: classes)
          for j in 0..<pixels { for l in 0..<classes { filtered[l] += table[i][j] * q[j * classes + l] } }
          for l in 0..<classes {
            for other in 0..<classes { energies[l] += kernel.weight * kernel.cost(l, other) * filtered[other] }
          }
        }
        let least = energies.min() ?? 0
        let values = energies.map { exp(least - $0) }
        for l in 0..<classes { next[i * classes + l] = values[l] / values.reduce(0, +) }
      }
      q = next
    }
    return q
  }
}

/// A picture and probabilities to try a CRF on, the same in every run.
struct CRFScene {
  let image: Image
  let probabilities: Tensor

  /// Discs of flat colours on a gradient, with noise in both colours and probabilities.
  init(height: Int, width: Int, classes: Int, colorNoise: Double = 6, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    func uniform() -> Double { Double.random(in: 0..<1, using: &generator) }
    let discs = (1..<max(2, classes)).map { label in
      (
        label: label % classes, y: uniform() * Double(height), x: uniform() * Double(width),
        radius: (0.15 + 0.2 * uniform()) * Double(min(height, width)),
        color: [uniform() * 200, uniform() * 200, uniform() * 200]
      )
    }
    var samples: [UInt8] = []
    var values: [Float] = []
    for row in 0..<height {
      for column in 0..<width {
        var label = 0
        var color = [220.0, 180 + 40 * Double(row) / Double(height), 200 - 60 * Double(column) / Double(width)]
        for disc in discs where hypot(Double(row) - disc.y, Double(column) - disc.x) < disc.radius {
          label = disc.label
          color = disc.color
        }
        for channel in color {
          samples.append(UInt8(min(255, max(0, channel + colorNoise * (2 * uniform() - 1)))))
        }
        let raw = (0..<classes).map { 0.05 + uniform() + ($0 == label ? 0.7 : 0) }
        let sum = raw.reduce(0, +)
        values += raw.map { Float($0 / sum) }
      }
    }
    image = Image(width: width, height: height, layout: .rgb, samples: .uint8(samples))
    probabilities = Tensor([height, width, classes], values)
  }

  /// Three numbers a pixel.
  var colors: [Double] {
    guard case .uint8(let samples) = image.samples else { return [] }
    return samples.map(Double.init)
  }
}
