#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Kernels in plain loops, with sums in Double that are rounded to float32 once. They are slow; tests compare with them.
package struct ReferenceKernels: Kernels {
  /// The name of their instruction set in the ``KernelTable``.
  package static let instructionSet = "reference"

  package init() {}

  // An unusual width, so that tests have incomplete last panels and padding.
  package var panelLayout: PanelLayout { PanelLayout(width: 12, unit: 4) }

  package var coreCacheBytes: Int { 512 << 10 }

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
          for i in 0..<depth { sum += Double(a[i]) * Double(panel[(tap * depth + i) * stored]) }
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

  package func prefetch(_ x: UnsafePointer<Float>, count: Int) {}

  package func winogradInput(
    _ tiling: WinogradTiling, image: UnsafePointer<Float>, _ tile: WinogradTile, padding: (top: Int, left: Int),
    _ planes: UnsafeMutablePointer<Float>
  ) {
    let (rows, columns) = (tiling.axes[tile.rowAxis], tiling.axes[tile.columnAxis])
    for channel in 0..<tiling.inputChannels {
      func element(_ i: Int, _ j: Int) -> Double {
        let y = tile.row - padding.top + i * tiling.step.height
        let x = tile.column - padding.left + j * tiling.step.width
        guard (0..<tiling.input.height).contains(y), (0..<tiling.input.width).contains(x) else { return 0 }
        return Double(image[(y * tiling.input.width + x) * tiling.xStride + channel])
      }
      let d = (0..<rows.reads).map { i in (0..<columns.reads).map { j in element(i, j) } }
      for (p, b) in zip(rows.points, rows.inputTransform) {
        for (q, c) in zip(columns.points, columns.inputTransform) {
          var sum = 0.0
          for i in b.indices { for j in c.indices { sum += b[i] * d[i][j] * c[j] } }
          planes[(p * tiling.filtering.inputs + q) * tiling.inputPlane + channel] = Float(sum)
        }
      }
    }
  }

  package func winogradFilter(
    _ tiling: WinogradTiling, _ weights: UnsafePointer<Float>, count: Int, width: Int,
    _ planes: UnsafeMutablePointer<Float>, plane: Int
  ) {
    let (g, n, taps) = (tiling.filtering.filterTransform, tiling.filtering.inputs, tiling.filtering.taps)
    for row in 0..<count {
      for column in 0..<width {
        for i in 0..<n {
          for j in 0..<n {
            var sum = 0.0
            for a in 0..<taps {
              for b in 0..<taps {
                let weight = weights[((row * taps + a) * taps + b) * width + column]
                sum += g[i][a] * Double(weight) * g[j][b]
              }
            }
            planes[(i * n + j) * plane + row * width + column] = Float(sum)
          }
        }
      }
    }
  }

  package func winogradOutput(
    _ tiling: WinogradTiling, planes: UnsafePointer<Float>, _ epilogue: Epilogue, into result: Destination,
    _ tile: WinogradTile
  ) {
    let (rows, columns) = (tiling.axes[tile.rowAxis], tiling.axes[tile.columnAxis])
    for i in 0..<rows.outputs {
      for j in 0..<columns.outputs {
        let line = tile.row + i * tiling.outputStep.height
        let place = tile.column + j * tiling.outputStep.width
        guard (0..<tiling.output.height).contains(line), (0..<tiling.output.width).contains(place) else { continue }
        let pixel = line * tiling.output.width + place
        for channel in 0..<tiling.outputChannels {
          var sum = 0.0
          for (p, a) in zip(rows.points, rows.outputTransform[i]) {
            for (q, b) in zip(columns.points, columns.outputTransform[j]) {
              let product = planes[(p * tiling.filtering.inputs + q) * tiling.outputPlane + channel]
              sum += a * Double(product) * b
            }
          }
          result.row(pixel)[channel] = epilogue(sum, row: pixel, column: channel)
        }
      }
    }
  }

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

  package func depthwise(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int, multiplier: Int,
    weights: UnsafePointer<Float>, _ epilogue: Epilogue, into result: Destination
  ) {
    let outputs = channels * multiplier
    for column in 0..<window.outputWidth {
      for o in 0..<outputs {
        var sum = 0.0
        window.forEachTap(outputRow: outputRow, column: column) { tap, position in
          let place = window.ringRows == 0 ? position : position % (window.ringRows * window.inputWidth)
          sum += Double(image[place * window.pixelStride + o / multiplier]) * Double(weights[tap * outputs + o])
        }
        result.row(column)[o] = epilogue(sum, row: column, column: o)
      }
    }
  }

  package func maxPool(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>, yStride: Int, indices: UnsafeMutablePointer<Int32>?, indexStride: Int
  ) {
    for column in 0..<window.outputWidth {
      for c in 0..<channels {
        var largest = -Float.infinity
        var index: Int?
        window.forEachTap(outputRow: outputRow, column: column) { _, position in
          let value = image[position * window.pixelStride + c]
          if index == nil || value > largest || value.isNaN {
            largest = value
            index = position
          }
        }
        y[column * yStride + c] = largest
        indices?[column * indexStride + c] = Int32(index ?? 0)
      }
    }
  }

  package func averagePool(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int, countingPadding: Bool,
    _ y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    for column in 0..<window.outputWidth {
      let inside = window.tapCount(outputRow: outputRow, column: column, insidePadding: false)
      let counted =
        countingPadding ? window.tapCount(outputRow: outputRow, column: column, insidePadding: true) : inside
      for c in 0..<channels {
        var sum = 0.0
        window.forEachTap(outputRow: outputRow, column: column) { _, position in
          sum += Double(image[position * window.pixelStride + c])
        }
        y[column * yStride + c] = Float(sum / Double(max(counted, 1)))
      }
    }
  }

  package func gatherPatches(
    _ window: SlidingWindow, image: UnsafePointer<Float>, first: Int, count: Int, channels: Int,
    _ patches: UnsafeMutablePointer<Float>
  ) {
    let taps = window.geometry.kernel.height * window.geometry.kernel.width
    for p in 0..<count {
      let patch = patches + p * taps * channels
      patch.update(repeating: 0, count: taps * channels)
      let (row, column) = (first + p).quotientAndRemainder(dividingBy: window.outputWidth)
      window.forEachTap(outputRow: row, column: column) { tap, position in
        for c in 0..<channels { patch[tap * channels + c] = image[position * window.pixelStride + c] }
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
      let sum = row.reduce(0) { $0 + doubleExp($1 - largest) }
      for c in 0..<channels {
        let shifted = row[c] - largest
        y[r * yStride + c] = Float(logarithm ? shifted - doubleLog(sum) : doubleExp(shifted) / sum)
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
      let numerators = row.map { doubleExp($0 - largest) }
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

private func doubleExp(_ x: Double) -> Double { exp(x) }
private func doubleLog(_ x: Double) -> Double { log(x) }

extension Epilogue {
  /// Computes the stored value of a sum, by the definition in Double.
  fileprivate func callAsFunction(_ sum: Double, row: Int, column: Int) -> Float {
    var value = sum
    if let scale { value *= Double(scale[column]) }
    if let shift { value += Double(shift[column]) }
    if let residual { value += Double(residual[row * residualStride + column]) }
    return Float(function(value))
  }
}

extension ElementwiseFunction {
  /// Computes the function in Double, by its definition.
  func callAsFunction(_ x: Double) -> Double {
    func clip(_ x: Double, _ low: Double, _ high: Double) -> Double { x < low ? low : x > high ? high : x }
    switch self {
    case .identity: return x
    case .relu: return x < 0 ? 0 : x
    case .clip(let low, let high): return clip(x, Double(low), Double(high))
    case .leakyReLU(let slope): return x > 0 ? x : Double(slope) * x
    case .elu(let alpha): return x > 0 ? x : Double(alpha) * expm1(x)
    case .gelu: return x * erfc(-x / 2.0.squareRoot()) / 2
    case .geluTanh: return x * (1 + doubleTanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))) / 2
    case .silu: return x / (1 + doubleExp(-x))
    case .hardSigmoid(let slope, let offset): return clip(Double(slope) * x + Double(offset), 0, 1)
    case .hardSwish: return x * clip(x / 6 + 0.5, 0, 1)
    case .sigmoid: return 1 / (1 + doubleExp(-x))
    case .tanh: return doubleTanh(x)
    case .softplus(let beta, let threshold):
      let z = Double(beta) * x
      return z > Double(threshold) ? x : (max(z, 0) + log1p(doubleExp(-Swift.abs(z)))) / Double(beta)
    case .exp: return doubleExp(x)
    case .log: return doubleLog(x)
    case .sqrt: return x.squareRoot()
    case .abs: return Swift.abs(x)
    case .negate: return -x
    case .reciprocal: return 1 / x
    case .erf: return doubleErf(x)
    }
  }
}

private func doubleTanh(_ x: Double) -> Double { tanh(x) }
private func doubleErf(_ x: Double) -> Double { erf(x) }

extension BinaryOperation {
  func callAsFunction(_ p: Double, _ q: Double) -> Double {
    switch self {
    case .add: p + q
    case .subtract: p - q
    case .multiply: p * q
    case .divide: p / q
    case .maximum: p > q || p.isNaN ? p : q
    case .minimum: p < q || p.isNaN ? p : q
    case .power: pow(p, q)
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

extension SlidingWindow {
  /// Calls `body` with each tap (counted row by row) inside the image, and its pixel's index.
  fileprivate func forEachTap(outputRow: Int, column: Int, _ body: (_ tap: Int, _ position: Int) -> Void) {
    for i in 0..<geometry.kernel.height {
      for j in 0..<geometry.kernel.width {
        let y = outputRow * geometry.stride.height - geometry.padding.top + i * geometry.dilation.height
        let x = column * geometry.stride.width - geometry.padding.left + j * geometry.dilation.width
        guard (0..<inputHeight).contains(y), (0..<inputWidth).contains(x) else { continue }
        body(i * geometry.kernel.width + j, y * inputWidth + x)
      }
    }
  }

  /// Counts the taps inside the image, or inside the padded image.
  fileprivate func tapCount(outputRow: Int, column: Int, insidePadding: Bool) -> Int {
    let padding = insidePadding ? geometry.padding : 0
    var count = 0
    for i in 0..<geometry.kernel.height {
      for j in 0..<geometry.kernel.width {
        let y = outputRow * geometry.stride.height - geometry.padding.top + i * geometry.dilation.height
        let x = column * geometry.stride.width - geometry.padding.left + j * geometry.dilation.width
        if y >= -padding.top, y < inputHeight + padding.bottom, x >= -padding.left, x < inputWidth + padding.right {
          count += 1
        }
      }
    }
    return count
  }
}
