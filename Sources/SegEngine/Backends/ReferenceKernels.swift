#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Kernels in plain loops, with sums in Double that are rounded to float32 once. They are slow; tests compare with
/// them.
package struct ReferenceKernels: Kernels {
  /// The name of their instruction set in the ``KernelTable``.
  package static let instructionSet = "reference"

  package init() {}

  // An unusual width, so that tests have incomplete last panels and padding.
  package var panelLayout: PanelLayout { PanelLayout(width: 12, unit: 4) }

  package var coreCacheBytes: Int { 512 << 10 }

  package var multipliesBFloat16: Bool { true }

  package func panelProduct(_ operands: PanelOperands) {
    let (depth, columns, layout) = (operands.depth, operands.columns, panelLayout)
    let k = operands.taps * depth
    for row in 0..<operands.rowCount {
      for column in 0..<columns {
        let first = column / layout.width * layout.width
        let stored = layout.storedColumns(at: first, of: columns)
        let panel = operands.panels + layout.offset(ofPanelAt: first, k: k) + column - first
        let y = operands.result.row(row) + column
        var sum = operands.accumulates ? Double(y.pointee) : 0
        for tap in 0..<operands.taps {
          let a =
            switch operands.rows {
            case .strided(let base, let stride): base + row * stride + tap * depth
            case .pointed(let pointers, _, let offset): pointers[tap * operands.rowCount + row] + offset
            }
          for i in 0..<depth {
            let b = panel[(tap * depth + i) * stored]
            guard operands.wordTerms == 2 else {
              sum += Double(a[i]) * Double(b)
              continue
            }
            let (p, q) = (BFloat16.pair(a[i]), BFloat16.pair(b))
            sum += Double(p.0) * Double(q.0) + Double(p.1) * Double(q.1)
          }
        }
        y.pointee = operands.epilogue(sum, row: row, column: column)
      }
    }
  }

  package func strassenSums(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, lower: Int, depth: Int, _ sums: UnsafeMutablePointer<Float>,
    sumStride: Int
  ) {
    for row in 0..<rows {
      for column in 0..<depth {
        func a(_ i: Int, _ j: Int) -> Float { x[(row + i * lower) * xStride + j * depth + column] }
        let five = [a(0, 0) + a(1, 1), a(1, 0) + a(1, 1), a(0, 0) + a(0, 1), a(1, 0) - a(0, 0), a(0, 1) - a(1, 1)]
        for (index, sum) in five.enumerated() { sums[(index * rows + row) * sumStride + column] = sum }
      }
    }
  }

  package func strassenResult(_ operands: StrassenOperands) {
    let (epilogue, result) = (operands.epilogue, operands.result)
    for row in 0..<operands.rows {
      for column in 0..<operands.columns {
        func m(_ i: Int) -> Double {
          Double(operands.products[((i - 1) * operands.rows + row) * operands.columns + column])
        }
        func put(_ sum: Double, _ row: Int, _ column: Int) {
          result.row(row)[column] = epilogue(sum, row: row, column: column)
        }
        put(m(1) + m(4) - m(5) + m(7), row, column)
        put(m(3) + m(5), row, operands.right + column)
        guard row >= operands.rows - operands.lower else { continue }
        put(m(2) + m(4), row + operands.lower, column)
        put(m(1) - m(2) + m(3) + m(6), row + operands.lower, operands.right + column)
      }
    }
  }

  package func transpose(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, columns: Int
  ) {
    for r in 0..<rows { for c in 0..<columns { y[c * yStride + r] = x[r * xStride + c] } }
  }

  package func packColumns(
    _ x: UnsafePointer<Float>, xStride: Int, columns: Int, range: Range<Int>, period: Int,
    _ y: UnsafeMutablePointer<Float>, step: Int, periodStep: Int
  ) {
    for k in range {
      for column in 0..<columns {
        y[k / period * periodStep + k % period * step + column] = x[column * xStride + k]
      }
    }
  }

  package func prefetch(_ x: UnsafePointer<Float>, count: Int) {}

  package func map(
    _ function: ElementwiseFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    for i in 0..<count { y[i] = Float(function(Double(x[i]))) }
  }

  package func combine(
    _ operation: BinaryOperation, _ p: UnsafePointer<Float>, pStep: Int, _ q: UnsafePointer<Float>, qStep: Int,
    _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    for i in 0..<count { y[i] = Float(operation(Double(p[i * pStep]), Double(q[i * qStep]))) }
  }

  package func affine(
    _ x: UnsafePointer<Float>, xStride: Int, _ epilogue: Epilogue, into result: Destination, rows: Int, channels: Int
  ) {
    for r in 0..<rows {
      for c in 0..<channels { result.row(r)[c] = epilogue(Double(x[r * xStride + c]), row: r, column: c) }
    }
  }

  package func prelu(
    _ x: UnsafePointer<Float>, xStride: Int, slope: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    yStride: Int,
    rows: Int, channels: Int
  ) {
    for r in 0..<rows {
      for c in 0..<channels {
        let value = x[r * xStride + c]
        y[r * yStride + c] = value > 0 ? value : slope[c] * value
      }
    }
  }

  package func layerNorm(
    _ x: UnsafePointer<Float>, xStride: Int, scale: UnsafePointer<Float>?, shift: UnsafePointer<Float>?, epsilon: Float,
    _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, channels: Int
  ) {
    for r in 0..<rows {
      let row = UnsafeBufferPointer(start: x + r * xStride, count: channels).map(Double.init)
      let mean = row.reduce(0, +) / Double(channels)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
      let inverse = 1 / (variance + Double(epsilon)).squareRoot()
      for c in 0..<channels {
        let scaled = (row[c] - mean) * inverse * (scale.map { Double($0[c]) } ?? 1)
        y[r * yStride + c] = Float(scaled + (shift.map { Double($0[c]) } ?? 0))
      }
    }
  }

  package func interpolate(
    _ x: UnsafePointer<Float>, offsets: UnsafePointer<Int>, weights: UnsafePointer<Float>, taps: Int, pixels: Int,
    channels: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    for p in 0..<pixels {
      for c in 0..<channels {
        var sum = 0.0
        for t in 0..<taps { sum += Double(weights[p * taps + t]) * Double(x[offsets[p * taps + t] + c]) }
        y[p * yStride + c] = Float(sum)
      }
    }
  }

  package func reduce(_ reduction: Reduction, _ x: UnsafePointer<Float>, count: Int) -> Float {
    var result = reduction.start
    for i in 0..<count { result = reduction.adding(Double(x[i]), to: result) }
    return Float(result)
  }

  package func reduceRows(
    _ reduction: Reduction, _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>
  ) {
    for c in 0..<channels {
      var result = reduction.start
      for r in 0..<rows { result = reduction.adding(Double(x[r * xStride + c]), to: result) }
      y[c] = Float(result)
    }
  }

  package func softmax(
    logarithm: Bool, _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int,
    channels: Int
  ) {
    for r in 0..<rows {
      let row = UnsafeBufferPointer(start: x + r * xStride, count: channels).map(Double.init)
      let largest = row.max() ?? 0
      let sum = row.reduce(0) { $0 + exp($1 - largest) }
      for c in 0..<channels {
        let shifted = row[c] - largest
        y[r * yStride + c] = Float(logarithm ? shifted - log(sum) : exp(shifted) / sum)
      }
    }
  }

  package func softmaxNumerators(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, channels: Int,
    sums: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<rows {
      let row = UnsafeBufferPointer(start: x + r * xStride, count: channels).map(Double.init)
      let largest = row.max() ?? 0
      let numerators = row.map { exp($0 - largest) }
      for c in 0..<channels { y[r * yStride + c] = Float(numerators[c]) }
      sums[r] = Float(numerators.reduce(0, +))
    }
  }

  package func argmax(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int, _ y: UnsafeMutablePointer<Int32>
  ) {
    for r in 0..<rows {
      let row = x + r * xStride
      var best = 0
      for c in 1..<max(channels, 1) where !row[best].isNaN && (row[c] > row[best] || row[c].isNaN) { best = c }
      y[r] = Int32(best)
    }
  }
}

extension Reduction {
  fileprivate var start: Double {
    switch self {
    case .sum, .sumOfSquares: 0
    case .product: 1
    case .maximum: -.infinity
    case .minimum: .infinity
    }
  }

  fileprivate func adding(_ x: Double, to result: Double) -> Double {
    switch self {
    case .sum: result + x
    case .sumOfSquares: result + x * x
    case .product: result * x
    case .maximum: x > result || x.isNaN ? x : result
    case .minimum: x < result || x.isNaN ? x : result
    }
  }
}
