import Foundation
import SegEngine

// Every operator by its definition, in Double, one output at a time.

extension NaiveTensor {
  /// The feature map at a pixel, or `nil` outside.
  private func pixel(_ n: Int, _ y: Int, _ x: Int, _ c: Int) -> Double? {
    (0..<shape[1]).contains(y) && (0..<shape[2]).contains(x) ? self[n, y, x, c] : nil
  }

  /// Values and places (row · width + column) of the taps of a window that lie inside the image, in their order.
  private func taps(_ g: ConvolutionGeometry, _ index: [Int]) -> [(value: Double, place: Int)] {
    var result: [(Double, Int)] = []
    for i in 0..<g.kernel.height {
      for j in 0..<g.kernel.width {
        let y = index[1] * g.stride.height - g.padding.top + i * g.dilation.height
        let x = index[2] * g.stride.width - g.padding.left + j * g.dilation.width
        if let value = pixel(index[0], y, x, index[3]) { result.append((value, y * shape[2] + x)) }
      }
    }
    return result
  }

  private func pooled(_ g: ConvolutionGeometry, _ roundingUp: Bool) -> [Int] {
    func extent(_ input: Int, _ before: Int, _ after: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int {
      // Count the windows that begin inside the image with its padding and fit, or, rounding up, begin in the image.
      var count = 0
      while true {
        let start = count * stride
        let fits = start + (kernel - 1) * dilation < input + before + after
        let previousFits = count == 0 || (count - 1) * stride + (kernel - 1) * dilation + 1 < input + before + after
        let counts = fits || (roundingUp && count > 0 && previousFits && start < input + before)
        if !counts { return count }
        count += 1
      }
    }
    return [
      shape[0],
      extent(shape[1], g.padding.top, g.padding.bottom, g.kernel.height, g.stride.height, g.dilation.height),
      extent(shape[2], g.padding.left, g.padding.right, g.kernel.width, g.stride.width, g.dilation.width), shape[3],
    ]
  }

  /// The largest of each window and its place.
  public func maxPool(_ g: ConvolutionGeometry, roundingUp: Bool) -> [NaiveTensor] {
    let output = pooled(g, roundingUp)
    func best(_ index: [Int]) -> (value: Double, place: Int) {
      var best: (value: Double, place: Int)?
      for tap in taps(g, index) {
        guard let old = best else {
          best = tap
          continue
        }
        if !old.value.isNaN, tap.value > old.value || tap.value.isNaN { best = tap }
      }
      return best ?? (-.infinity, 0)
    }
    return [NaiveTensor(output) { best($0).value }, NaiveTensor(output) { Double(best($0).place) }]
  }

  /// The mean of each window.
  public func averagePool(_ g: ConvolutionGeometry, roundingUp: Bool, countingPadding: Bool) -> NaiveTensor {
    NaiveTensor(pooled(g, roundingUp)) { index in
      let inside = taps(g, index)
      var count = inside.count
      if countingPadding {
        count = 0
        for i in 0..<g.kernel.height {
          for j in 0..<g.kernel.width {
            let y = index[1] * g.stride.height + i * g.dilation.height
            let x = index[2] * g.stride.width + j * g.dilation.width
            if y < shape[1] + g.padding.top + g.padding.bottom && x < shape[2] + g.padding.left + g.padding.right {
              count += 1
            }
          }
        }
      }
      return inside.reduce(0) { $0 + $1.value } / Double(max(1, count))
    }
  }

  /// A mean or maximum over a grid of windows.
  public func adaptivePool(_ operation: GlobalPool.Operation, to size: Extent2D) -> NaiveTensor {
    return NaiveTensor([shape[0], size.height, size.width, shape[3]]) { index in
      var values: [Double] = []
      for y in 0..<shape[1] where isIn(y, index[1], shape[1], size.height) {
        for x in 0..<shape[2] where isIn(x, index[2], shape[2], size.width) {
          values.append(self[index[0], y, x, index[3]])
        }
      }
      return operation == .average ? values.reduce(0, +) / Double(values.count) : largest(values)
    }
    func isIn(_ i: Int, _ cell: Int, _ input: Int, _ cells: Int) -> Bool {
      let start = (Double(cell) * Double(input) / Double(cells)).rounded(.down)
      let end = (Double(cell + 1) * Double(input) / Double(cells)).rounded(.up)
      return Double(i) >= start && Double(i) < end
    }
  }

  /// Each value at its index in a plane of zeros.
  public func maxUnpool(_ indices: NaiveTensor, to size: Extent2D) -> NaiveTensor {
    var result = NaiveTensor([shape[0], size.height, size.width, shape[3]]) { _ in 0 }
    NaiveTensor.forEachIndex(shape) { index in
      let place = Int(indices[index])
      if (0..<size.height * size.width).contains(place) {
        result[[index[0], place / size.width, place % size.width, index[3]]] = self[index]
      }
    }
    return result
  }

  /// The feature map resized; `scale` are the steps from one output to the next in input pixels.
  public func resize(
    _ interpolation: Resize.Interpolation, _ coordinates: Resize.Coordinates, to size: Extent2D,
    scale: (height: Double, width: Double)
  ) -> NaiveTensor {
    func taps(_ index: Int, _ scale: Double, _ input: Int) -> [(Int, Double)] {
      func inside(_ i: Int) -> Int { min(max(i, 0), input - 1) }
      let s = coordinates == .halfPixel ? scale * (Double(index) + 0.5) - 0.5 : scale * Double(index)
      switch interpolation {
      case .nearest: return [(inside(Int((scale * Double(index) + 1e-6).rounded(.down))), 1)]
      case .nearestExact: return [(inside(Int((scale * (Double(index) + 0.5) + 1e-6).rounded(.down))), 1)]
      case .bilinear:
        let s = max(s, 0)
        let first = Int(s.rounded(.down))
        return [(inside(first), 1 - (s - Double(first))), (inside(first + 1), s - Double(first))]
      case .bicubic:
        let first = Int(s.rounded(.down))
        return (-1...2).map { (inside(first + $0), keys(abs(s - Double(first + $0)))) }
      }
    }
    func keys(_ x: Double) -> Double {
      let a = -0.75
      if x <= 1 { return (a + 2) * x * x * x - (a + 3) * x * x + 1 }
      return x < 2 ? a * (x * x * x - 5 * x * x + 8 * x - 4) : 0
    }
    return NaiveTensor([shape[0], size.height, size.width, shape[3]]) { index in
      var sum = 0.0
      for (y, wy) in taps(index[1], scale.height, shape[1]) {
        for (x, wx) in taps(index[2], scale.width, shape[2]) where wy * wx != 0 {
          sum += wy * wx * self[index[0], y, x, index[3]]
        }
      }
      return sum
    }
  }

  /// The feature map resized by a kernel that is as wide as the step between outputs: a triangle, or for `bicubic` Keys' kernel with
  /// a = −1/2. Inputs outside the map do not count.
  public func resizeAntialiased(bicubic: Bool, to size: Extent2D) -> NaiveTensor {
    func kernel(_ x: Double) -> Double {
      guard bicubic else { return max(0, 1 - x) }
      let a = -0.5
      if x <= 1 { return (a + 2) * x * x * x - (a + 3) * x * x + 1 }
      return x < 2 ? a * (x * x * x - 5 * x * x + 8 * x - 4) : 0
    }
    func taps(_ index: Int, _ input: Int, _ output: Int) -> [(Int, Double)] {
      let scale = Double(input) / Double(output)
      let middle = scale * (Double(index) + 0.5)
      let weights = (0..<input).map { kernel(abs(Double($0) + 0.5 - middle) / max(scale, 1)) }
      return weights.enumerated().map { ($0, $1 / weights.reduce(0, +)) }
    }
    return NaiveTensor([shape[0], size.height, size.width, shape[3]]) { index in
      var sum = 0.0
      for (y, wy) in taps(index[1], shape[1], size.height) {
        for (x, wx) in taps(index[2], shape[2], size.width) where wy * wx != 0 {
          sum += wy * wx * self[index[0], y, x, index[3]]
        }
      }
      return sum
    }
  }

  private func largest(_ values: [Double]) -> Double {
    values.contains(where: \.isNaN) ? .nan : values.max() ?? -.infinity
  }

  /// Some axes reduced.
  public func reduce(_ operation: Reduce.Operation, axes: [Int], keepsAxes: Bool) -> NaiveTensor {
    let reduced = axes.isEmpty ? Set(shape.indices) : Set(axes.map { $0 < 0 ? $0 + shape.count : $0 })
    var groups: [[Int]: [Double]] = [:]
    let kept = shape.indices.map { reduced.contains($0) ? 1 : shape[$0] }
    NaiveTensor.forEachIndex(shape) { index in
      groups[index.indices.map { reduced.contains($0) ? 0 : index[$0] }, default: []].append(self[index])
    }
    let result = NaiveTensor(kept) { index in
      let values = groups[index] ?? []
      switch operation {
      case .sum: return values.reduce(0, +)
      case .mean: return values.reduce(0, +) / Double(values.count)
      case .maximum: return largest(values)
      case .minimum: return -largest(values.map { -$0 })
      case .product: return values.reduce(1, *)
      case .sumOfSquares: return values.reduce(0) { $0 + $1 * $1 }
      case .norm: return values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
    }
    return keepsAxes ? result : result.reshaped(shape.indices.filter { !reduced.contains($0) }.map { shape[$0] })
  }

  /// The index of the first largest element along an axis, which is taken away.
  public func argmax(axis: Int) -> NaiveTensor {
    var output = shape
    output.remove(at: axis)
    return NaiveTensor(output) { index in
      var best = 0
      func at(_ i: Int) -> Double { self[Array(index[..<axis]) + [i] + Array(index[axis...])] }
      for i in 0..<shape[axis] where !at(best).isNaN && (at(i) > at(best) || at(i).isNaN) { best = i }
      return Double(best)
    }
  }

  /// The same elements under another shape.
  public func reshaped(_ shape: [Int]) -> NaiveTensor {
    precondition(shape.reduce(1, *) == values.count)
    var result = NaiveTensor(shape) { _ in 0 }
    result.values = values
    return result
  }

  /// The element of a tensor that broadcasts to a larger shape.
  public func broadcasting(_ index: [Int]) -> Double {
    let missing = index.count - shape.count
    return self[shape.indices.map { shape[$0] == 1 ? 0 : index[$0 + missing] }]
  }

  /// An operation with broadcasting, to the shape that the caller knows.
  public func combine(_ operation: BinaryOperation, _ other: NaiveTensor, to shape: [Int]) -> NaiveTensor {
    NaiveTensor(shape) { index in
      let (p, q) = (broadcasting(index), other.broadcasting(index))
      switch operation {
      case .add: return p + q
      case .subtract: return p - q
      case .multiply: return p * q
      case .divide: return p / q
      case .maximum: return p.isNaN || q.isNaN ? .nan : max(p, q)
      case .minimum: return p.isNaN || q.isNaN ? .nan : min(p, q)
      case .power: return pow(p, q)
      }
    }
  }

  /// A function of each element.
  public func map(_ function: (Double) -> Double) -> NaiveTensor {
    var result = self
    result.values = values.map(function)
    return result
  }

  /// Softmax along an axis, or its logarithm.
  public func softmax(axis: Int, logarithm: Bool) -> NaiveTensor {
    NaiveTensor(shape) { index in
      let line = (0..<shape[axis]).map { i -> Double in
        var other = index
        other[axis] = i
        return self[other]
      }
      let top = largest(line)
      let sum = line.reduce(0) { $0 + exp($1 - top) }
      return logarithm ? self[index] - top - log(sum) : exp(self[index] - top) / sum
    }
  }

  /// Normalised over groups of elements that `group` names, then scaled and shifted a channel.
  private func normalized(
    _ weight: NaiveTensor?, _ bias: NaiveTensor?, _ epsilon: Double, _ group: ([Int]) -> [Int]
  ) -> NaiveTensor {
    var groups: [[Int]: [Double]] = [:]
    NaiveTensor.forEachIndex(shape) { groups[group($0), default: []].append(self[$0]) }
    let statistics = groups.mapValues { values -> (mean: Double, variance: Double) in
      let mean = values.reduce(0, +) / Double(values.count)
      return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
    }
    return NaiveTensor(shape) { index in
      let (mean, variance) = statistics[group(index)]!
      let c = index.last!
      return (self[index] - mean) / (variance + epsilon).squareRoot() * (weight?.values[c] ?? 1)
        + (bias?.values[c] ?? 0)
    }
  }

  /// Each row normalised.
  public func layerNorm(_ weight: NaiveTensor?, _ bias: NaiveTensor?, epsilon: Double) -> NaiveTensor {
    normalized(weight, bias, epsilon) { Array($0.dropLast()) }
  }

  /// Each group of channels of each image normalised.
  public func groupNorm(
    _ weight: NaiveTensor?, _ bias: NaiveTensor?, groups: Int, epsilon: Double
  ) -> NaiveTensor {
    let size = shape.last! / groups
    return normalized(weight, bias, epsilon) { [$0[0], $0.last! / size] }
  }

  /// The product of two matrices, with outer axes that broadcast to those of `shape`.
  public func matmul(
    _ other: NaiveTensor, transposingA: Bool, transposingB: Bool, to shape: [Int]
  ) -> NaiveTensor {
    let k = self.shape[self.shape.count - (transposingA ? 2 : 1)]
    return NaiveTensor(shape) { index in
      let outer = Array(index.dropLast(2))
      let (i, j) = (index[index.count - 2], index[index.count - 1])
      func element(_ x: NaiveTensor, _ row: Int, _ column: Int) -> Double {
        let rank = x.shape.count
        let missing = outer.count - (rank - 2)
        let place = (0..<rank - 2).map { x.shape[$0] == 1 ? 0 : outer[$0 + missing] }
        return x[place + [row, column]]
      }
      return (0..<k).reduce(0.0) { sum, l in
        sum + (transposingA ? element(self, l, i) : element(self, i, l))
          * (transposingB ? element(other, j, l) : element(other, l, j))
      }
    }
  }

  /// Attention of several heads.
  public func attention(
    _ keys: NaiveTensor, _ values: NaiveTensor, heads: Int, mask: NaiveTensor?, scale: Double?
  ) -> NaiveTensor {
    let (d, dv, m) = (shape[2] / heads, values.shape[2] / heads, keys.shape[1])
    let scale = scale ?? 1 / Double(d).squareRoot()
    var rows: [[Int]: [Double]] = [:]
    NaiveTensor.forEachIndex([shape[0], shape[1], heads]) { index in
      let (b, n, h) = (index[0], index[1], index[2])
      let scores = (0..<m).map { j -> Double in
        let dot = (0..<d).reduce(0.0) { $0 + self[b, n, h * d + $1] * keys[b, j, h * d + $1] }
        let added = mask.map { mask -> Double in
          if mask.shape.count == 2 { return mask[n, j] }
          return mask[mask.shape[0] == 1 ? 0 : b, mask.shape[1] == 1 ? 0 : h, n, j]
        }
        return scale * dot + (added ?? 0)
      }
      let top = scores.max()!
      let weights = scores.map { exp($0 - top) }
      let sum = weights.reduce(0, +)
      rows[index] = weights.map { $0 / sum }
    }
    return NaiveTensor([shape[0], shape[1], values.shape[2]]) { index in
      let weights = rows[[index[0], index[1], index[2] / dv]]!
      return (0..<m).reduce(0.0) { $0 + weights[$1] * values[index[0], $1, index[2]] }
    }
  }

  /// Tensors one after the other along an axis.
  public static func concat(_ parts: [NaiveTensor], axis: Int) -> NaiveTensor {
    var shape = parts[0].shape
    shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    return NaiveTensor(shape) { index in
      var index = index
      for part in parts {
        if index[axis] < part.shape[axis] { return part[index] }
        index[axis] -= part.shape[axis]
      }
      preconditionFailure("the parts are the whole")
    }
  }

  /// The elements at given indices of one axis; −1 gives `fill`.
  public func taking(_ indices: [Int], axis: Int, fill: Double = 0) -> NaiveTensor {
    var shape = shape
    shape[axis] = indices.count
    return NaiveTensor(shape) { index in
      var index = index
      index[axis] = indices[index[axis]]
      return index[axis] < 0 ? fill : self[index]
    }
  }

  /// The axes in another order.
  public func transpose(_ permutation: [Int]) -> NaiveTensor {
    NaiveTensor(permutation.map { shape[$0] }) { index in
      var source = index
      for (axis, from) in permutation.enumerated() { source[from] = index[axis] }
      return self[source]
    }
  }

  /// Channels as blocks of pixels.
  public func pixelShuffle(_ r: Int) -> NaiveTensor {
    NaiveTensor([shape[0], shape[1] * r, shape[2] * r, shape[3] / (r * r)]) {
      self[$0[0], $0[1] / r, $0[2] / r, $0[3] * r * r + $0[1] % r * r + $0[2] % r]
    }
  }
}
