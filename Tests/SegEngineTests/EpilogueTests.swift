import TestSupport
import Testing

@testable import SegEngine

/// Every kernel that takes an ``Epilogue`` against f(sum · scale + shift + residual) in Double.
@Suite struct EpilogueTests {
  /// Which parts an epilogue has.
  struct Parts: CustomTestStringConvertible, Sendable {
    let hasScale, hasShift, hasResidual: Bool
    let function: ElementwiseFunction

    var testDescription: String { "\(hasScale) \(hasShift) \(hasResidual) \(function)" }

    /// All combinations: functions that are applied in registers and one that is not.
    static let all: [Parts] = [ElementwiseFunction.identity, .relu, .silu].flatMap { function in
      (0..<8).map { Parts(hasScale: $0 & 1 > 0, hasShift: $0 & 2 > 0, hasResidual: $0 & 4 > 0, function: function) }
    }
  }

  /// Numbers for an epilogue of some columns and rows, and the epilogue itself.
  private final class Operands {
    let scale, shift, residual: UnsafeMutablePointer<Float>
    let residualStride: Int
    let parts: Parts

    init(_ parts: Parts, rows: Int, columns: Int) {
      self.parts = parts
      residualStride = columns + 3
      func random(_ count: Int, _ seed: UInt64) -> UnsafeMutablePointer<Float> {
        let numbers = Tensor.random([count], in: -2...2, seed: seed).elements(of: Float.self)
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: count)
        for (index, number) in numbers.enumerated() { (memory + index).initialize(to: number) }
        return memory
      }
      scale = random(columns, 11)
      shift = random(columns, 12)
      residual = random(rows * residualStride, 13)
    }

    deinit { for memory in [scale, shift, residual] { memory.deallocate() } }

    var epilogue: Epilogue {
      Epilogue(
        scale: parts.hasScale ? UnsafePointer(scale) : nil, shift: parts.hasShift ? UnsafePointer(shift) : nil,
        residual: parts.hasResidual ? UnsafePointer(residual) : nil, residualStride: residualStride,
        function: parts.function)
    }

    func expected(_ sum: Double, _ row: Int, _ column: Int) -> Double {
      var value = sum
      if parts.hasScale { value *= Double(scale[column]) }
      if parts.hasShift { value += Double(shift[column]) }
      if parts.hasResidual { value += Double(residual[row * residualStride + column]) }
      return parts.function.value(value)
    }
  }

  /// The kernels of each instruction set that the machine has, and the reference.
  private static var everyKernels: [(name: String, kernels: any Kernels)] {
    VectorKernels.instructionSets.compactMap { name in
      VectorKernels(instructionSet: name).map { (name, $0) }
    }
      + [("reference", ReferenceKernels())]
  }

  /// Products of one pass and of several over their terms, whose rows lie at one distance or in groups.
  @Test(arguments: Parts.all) func products(_ parts: Parts) {
    let rows = 13
    for (depth, columns, grouped) in [(7, 5, false), (33, 40, true), (1100, 37, false), (9, 300, true)] {
      let operands = Operands(parts, rows: rows, columns: columns)
      let a = Tensor.random([rows * depth], seed: 1).elements(of: Float.self)
      let b = Tensor.random([depth * columns], seed: 2).elements(of: Float.self)
      for (name, kernels) in Self.everyKernels {
        let layout = kernels.panelLayout
        var panels = [Float](repeating: 0, count: layout.count(k: depth, n: columns))
        layout.pack(b, rowStride: columns, rows: depth, columns: columns, into: &panels)
        let group = grouped ? (rows: 4, stride: 5 * columns) : nil
        var y = [Float](repeating: 9, count: 20 * columns)
        let start = y.withUnsafeMutableBufferPointer { y in
          let result = Destination(y.baseAddress!, stride: columns, group: group)
          a.withUnsafeBufferPointer { a in
            panels.withUnsafeBufferPointer { panels in
              kernels.panelProduct(
                PanelOperands(
                  rows: .strided(a.baseAddress!, stride: depth), rowCount: rows, depth: depth,
                  panels: panels.baseAddress!, columns: columns, epilogue: operands.epilogue, into: result))
            }
          }
          return (0..<rows).map { result.row($0) - y.baseAddress! }
        }
        var written = Set<Int>()
        for row in 0..<rows {
          for column in 0..<columns {
            var (sum, size) = (0.0, 1.0)
            for i in 0..<depth {
              let term = Double(a[row * depth + i]) * Double(b[i * columns + column])
              sum += term
              size += abs(term)
            }
            let place = start[row] + column
            written.insert(place)
            let error = abs(Double(y[place]) - operands.expected(sum, row, column))
            // Float32 sums: a unit in the last place of the sum of the terms' sizes, times a scale of 2 at most.
            #expect(error <= 2e-6 * size, "\(name) \(depth)×\(columns), row \(row), column \(column)")
          }
        }
        #expect(y.indices.allSatisfy { written.contains($0) || y[$0] == 9 }, "\(name) wrote outside")
      }
    }
  }

  @Test(arguments: Parts.all) func strassen(_ parts: Parts) throws {
    let (rows, k, n) = (7, 32, 256)
    let operands = Operands(parts, rows: rows, columns: n)
    let a = Tensor.random([rows * k], seed: 1).elements(of: Float.self)
    let b = Tensor.random([k * n], seed: 2).elements(of: Float.self)
    for set in VectorKernels.instructionSets where OpenBLASBackend.supports(instructionSet: set) {
      let device = ComputeDevice(OpenBLASBackend(workers: WorkerPool(threads: 1), instructionSet: set))
      let product = try #require(StrassenProduct(k: k, n: n, layout: device.kernels.panelLayout))
      var packed = [Float](repeating: 0, count: product.packedCount)
      product.pack(b, rowStride: n, columnStride: 1, into: &packed, over: device.workers)
      var scratch = [Float](repeating: 0, count: product.scratchCount(rows: rows))
      var y = [Float](repeating: 0, count: rows * n)
      y.withUnsafeMutableBufferPointer { y in
        product.run(
          a, xStride: k, rows: rows, packed: packed, columns: 0..<n / 2, epilogue: operands.epilogue,
          into: Destination(y.baseAddress!, stride: n), on: device, scratch: &scratch)
      }
      for row in 0..<rows {
        for column in 0..<n {
          let sum = (0..<k).reduce(0.0) { $0 + Double(a[row * k + $1]) * Double(b[$1 * n + column]) }
          let error = abs(Double(y[row * n + column]) - operands.expected(sum, row, column))
          #expect(error <= 1e-4, "\(set), row \(row), column \(column)")
        }
      }
    }
  }

  /// Channels in whole registers, with an overlapping one and fewer than one, and several outputs a channel.
  @Test(arguments: Parts.all) func depthwise(_ parts: Parts) {
    let width = 9
    for (channels, multiplier) in [(32, 1), (37, 1), (3, 1), (5, 2)] {
      let outputs = channels * multiplier
      let operands = Operands(parts, rows: width, columns: outputs)
      let x = Tensor.random([5 * width * channels], seed: 1).elements(of: Float.self)
      let weights = Tensor.random([9 * outputs], seed: 2).elements(of: Float.self)
      let window = SlidingWindow(
        inputHeight: 5, inputWidth: width, pixelStride: channels,
        geometry: ConvolutionGeometry(kernel: 3, padding: 1, groups: channels), outputWidth: width)
      for (name, kernels) in Self.everyKernels {
        var y = [Float](repeating: 0, count: width * outputs)
        y.withUnsafeMutableBufferPointer { y in
          kernels.depthwise(
            window, image: x, outputRow: 1, channels: channels, multiplier: multiplier, weights: weights,
            operands.epilogue, into: Destination(y.baseAddress!, stride: outputs))
        }
        for column in 0..<width {
          for o in 0..<outputs {
            var sum = 0.0
            for i in 0..<3 {
              for j in 0..<3 where (0..<width).contains(column + j - 1) {
                let pixel = i * width + column + j - 1
                sum += Double(x[pixel * channels + o / multiplier]) * Double(weights[(i * 3 + j) * outputs + o])
              }
            }
            let error = abs(Double(y[column * outputs + o]) - operands.expected(sum, column, o))
            #expect(error <= 1e-5, "\(name) \(channels)·\(multiplier), column \(column), output \(o)")
          }
        }
      }
    }
  }

  /// Winograd's outputs against those without an epilogue, and with the residual where the result goes.
  @Test(arguments: Parts.all) func winograd(_ parts: Parts) {
    let (filtering, size) = (WinogradFiltering.four, 6)
    for channels in [16, 19, 33] {
      let operands = Operands(parts, rows: size * size, columns: channels)
      let planes = Tensor.random([filtering.products * channels], seed: 1).elements(of: Float.self)
      let tiling = WinogradTiling(
        filtering, input: Extent2D(size), inputChannels: channels, output: Extent2D(size), outputChannels: channels,
        step: 1, inputPlane: channels, outputPlane: channels)
      let tile = WinogradTile(row: 0, column: 0)
      for (name, kernels) in Self.everyKernels where name != "reference" {
        func outputs(_ epilogue: Epilogue, start: [Float]) -> [Float] {
          var y = start
          y.withUnsafeMutableBufferPointer { y in
            var epilogue = epilogue
            // The residual in place.
            if epilogue.residual != nil {
              epilogue.residual = UnsafePointer(y.baseAddress!)
              epilogue.residualStride = channels
            }
            kernels.winogradOutput(
              tiling, planes: planes, epilogue, into: Destination(y.baseAddress!, stride: channels), tile)
          }
          return y
        }
        let sums = outputs(Epilogue(), start: [Float](repeating: 0, count: size * size * channels))
        let residual = (0..<size * size * channels).map { index in
          operands.residual[index / channels * operands.residualStride + index % channels]
        }
        let y = outputs(operands.epilogue, start: residual)
        for row in 0..<filtering.outputs {
          for column in 0..<filtering.outputs {
            for c in 0..<channels {
              let (pixel, place) = (row * size + column, (row * size + column) * channels + c)
              let expected = operands.expected(Double(sums[place]), pixel, c)
              let error = abs(Double(y[place]) - expected)
              #expect(error <= 1e-6 * max(1, 4 * abs(Double(sums[place]))), "\(name), pixel \(pixel), channel \(c)")
            }
          }
        }
      }
    }
  }

  @Test(arguments: Parts.all) func affine(_ parts: Parts) {
    let rows = 3
    for columns in [1, 7, 40] {
      let operands = Operands(parts, rows: rows, columns: columns)
      let x = Tensor.random([rows * (columns + 2)], seed: 1).elements(of: Float.self)
      for (name, kernels) in Self.everyKernels {
        var y = [Float](repeating: 0, count: rows * columns)
        y.withUnsafeMutableBufferPointer { y in
          kernels.affine(
            x, xStride: columns + 2, operands.epilogue, into: Destination(y.baseAddress!, stride: columns), rows: rows,
            channels: columns)
        }
        for row in 0..<rows {
          for column in 0..<columns {
            let expected = operands.expected(Double(x[row * (columns + 2) + column]), row, column)
            #expect(abs(Double(y[row * columns + column]) - expected) <= 2e-6, "\(name) \(columns)")
          }
        }
      }
    }
  }
}
