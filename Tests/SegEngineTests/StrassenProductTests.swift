import TestSupport
import Testing

@testable import SegEngine

/// Strassen's product against Double sums.
@Suite struct StrassenProductTests {
  struct Case: Sendable {
    let rows: Int
    let function: ElementwiseFunction
    let hasBias: Bool
    let hasResidual: Bool
    let group: Int?
  }

  private static let (k, n) = (96, 384)

  /// `count` numbers, as maps are behind a ReLU where they are not negative.
  private func numbers(_ count: Int, _ range: ClosedRange<Float>, _ generator: inout SeededGenerator) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &generator) }
  }

  /// Even and odd numbers of rows, a function of registers and one that is not, rows of the result in groups.
  @Test(arguments: [
    Case(rows: 2, function: .identity, hasBias: false, hasResidual: false, group: nil),
    Case(rows: 3, function: .relu, hasBias: true, hasResidual: true, group: nil),
    Case(rows: 37, function: .gelu, hasBias: true, hasResidual: true, group: nil),
    Case(rows: 48, function: .gelu, hasBias: false, hasResidual: true, group: nil),
    Case(rows: 21, function: .hardSwish, hasBias: true, hasResidual: false, group: 7),
  ])
  func fourQuarters(_ test: Case) throws {
    let (k, n) = (Self.k, Self.n)
    var generator = SeededGenerator(seed: 5)
    // Rows of both sides lie further apart than they are long.
    let (xStride, yStride) = (k + 5, n + 3)
    let x = numbers(test.rows * xStride, 0...1, &generator)
    let b = numbers(k * n, -1...1, &generator)
    let bias = numbers(n, -1...1, &generator)
    let residual = numbers(test.rows * yStride, -1...1, &generator)
    for device in ConvolutionTests.backends.map({ ComputeDevice($0) }) {
      let product = try #require(StrassenProduct(k: k, n: n, layout: device.kernels.panelLayout))
      var packed = [Float](repeating: .nan, count: product.packedCount)
      b.withUnsafeBufferPointer { b in
        packed.withUnsafeMutableBufferPointer {
          product.pack(
            b.baseAddress!, rowStride: n, columnStride: 1, into: $0.baseAddress!, over: device.workers)
        }
      }
      let groupStride = test.group.map { ($0 + 2) * yStride }
      func start(_ row: Int) -> Int {
        test.group.map { row / $0 * groupStride! + row % $0 * yStride } ?? row * yStride
      }
      let untouched: Float = 12345
      var y = [Float](repeating: untouched, count: start(test.rows - 1) + yStride)
      var scratch = [Float](repeating: .nan, count: product.scratchCount(rows: test.rows))
      x.withUnsafeBufferPointer { x in
        bias.withUnsafeBufferPointer { bias in
          residual.withUnsafeBufferPointer { residual in
            y.withUnsafeMutableBufferPointer { y in
              scratch.withUnsafeMutableBufferPointer { scratch in
                let epilogue = Epilogue(
                  shift: test.hasBias ? bias.baseAddress! : nil,
                  residual: test.hasResidual ? residual.baseAddress! : nil, residualStride: yStride,
                  function: test.function)
                let result = Destination(
                  y.baseAddress!, stride: yStride, group: test.group.map { (rows: $0, stride: groupStride!) })
                product.run(
                  x.baseAddress!, xStride: xStride, rows: test.rows, packed: packed, columns: 0..<n / 2,
                  epilogue: epilogue, into: result, on: device, scratch: scratch.baseAddress!)
              }
            }
          }
        }
      }
      var written = Set<Int>()
      for row in 0..<test.rows {
        for column in 0..<n {
          var sum = test.hasBias ? Double(bias[column]) : 0
          if test.hasResidual { sum += Double(residual[row * yStride + column]) }
          for i in 0..<k { sum += Double(x[row * xStride + i]) * Double(b[i * n + column]) }
          let place = start(row) + column
          written.insert(place)
          let error = abs(Double(y[place]) - test.function(sum))
          #expect(error <= 2e-5, "\(device.backend.name), row \(row), column \(column)")
        }
      }
      #expect(y.indices.allSatisfy { written.contains($0) || y[$0] == untouched })
    }
  }

  /// The columns of the left half in two parts give what they give in one, and write no others.
  @Test func columnsInParts() throws {
    let device = ComputeDevice(OpenBLASBackend(workers: WorkerPool(threads: 1)))
    let width = device.kernels.panelLayout.width
    let (rows, k, n) = (13, 64, 6 * width)
    var generator = SeededGenerator(seed: 7)
    let (x, b) = (numbers(rows * k, -1...1, &generator), numbers(k * n, -1...1, &generator))
    let product = try #require(StrassenProduct(k: k, n: n, layout: device.kernels.panelLayout))
    var packed = [Float](repeating: 0, count: product.packedCount)
    product.pack(b, rowStride: n, columnStride: 1, into: &packed, over: device.workers)
    var scratch = [Float](repeating: 0, count: product.scratchCount(rows: rows))
    func run(_ parts: [Range<Int>]) -> [Float] {
      var y = [Float](repeating: 0, count: rows * n)
      y.withUnsafeMutableBufferPointer { y in
        for columns in parts {
          product.run(
            x, xStride: k, rows: rows, packed: packed, columns: columns,
            into: Destination(y.baseAddress!, stride: n), on: device, scratch: &scratch)
        }
      }
      return y
    }
    let whole = run([0..<3 * width])
    #expect(run([0..<width, width..<3 * width]) == whole)
    let left = run([0..<width])
    for row in 0..<rows {
      for column in 0..<n {
        let isPart = column < width || (3 * width..<4 * width).contains(column)
        #expect(left[row * n + column] == (isPart ? whole[row * n + column] : 0), "row \(row), column \(column)")
      }
    }
  }

  /// The documentation's statement about rounding: the error is a few times that of the plain product, over maps behind a ReLU.
  @Test func roundingIsAFewTimesThatOfThePlainProduct() throws {
    let (rows, k, n) = (48, 1024, 256)
    var generator = SeededGenerator(seed: 6)
    let x = numbers(rows * k, -1...1, &generator).map { max(0, $0) }
    let b = numbers(k * n, -1...1, &generator)
    let device = ComputeDevice(OpenBLASBackend(workers: WorkerPool(threads: 1)))
    let product = try #require(StrassenProduct(k: k, n: n, layout: device.kernels.panelLayout))
    let plain = PanelMatrix(rowOffsets: (0..<k).map { $0 * n }, columnOffsets: 0..<n, on: device)
    var (packed, panels) = (
      [Float](repeating: 0, count: product.packedCount), [Float](repeating: 0, count: plain.count)
    )
    var (strassen, direct) = ([Float](repeating: 0, count: rows * n), [Float](repeating: 0, count: rows * n))
    var scratch = [Float](repeating: 0, count: product.scratchCount(rows: rows))
    product.pack(b, rowStride: n, columnStride: 1, into: &packed, over: device.workers)
    plain.pack(b, into: &panels, over: device.workers)
    x.withUnsafeBufferPointer { x in
      strassen.withUnsafeMutableBufferPointer { y in
        product.run(
          x.baseAddress!, xStride: k, rows: rows, packed: packed, columns: 0..<n / 2,
          into: Destination(y.baseAddress!, stride: n), on: device, scratch: &scratch)
      }
      direct.withUnsafeMutableBufferPointer { y in
        panels.withUnsafeBufferPointer { panels in
          device.kernels.panelProduct(
            PanelOperands(
              rows: .strided(x.baseAddress!, stride: k), rowCount: rows, depth: k, panels: panels.baseAddress!,
              columns: n, into: Destination(y.baseAddress!, stride: n)))
        }
      }
    }
    var (strassenSquares, directSquares) = (0.0, 0.0)
    for row in 0..<rows {
      for column in 0..<n {
        var sum = 0.0
        for i in 0..<k { sum += Double(x[row * k + i]) * Double(b[i * n + column]) }
        strassenSquares += (Double(strassen[row * n + column]) - sum) * (Double(strassen[row * n + column]) - sum)
        directSquares += (Double(direct[row * n + column]) - sum) * (Double(direct[row * n + column]) - sum)
      }
    }
    let ratio = (strassenSquares / directSquares).squareRoot()
    #expect(ratio > 1 && ratio < 4, "\(ratio) times the error of the plain product")
  }
}
