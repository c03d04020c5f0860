import SegEngine
import TestSupport
import Testing

@testable import SegEngine

/// The transforms that are solved for, against the identity that they are to satisfy and the published matrices.
@Suite struct WinogradFilteringTests {
  static let all: [WinogradFiltering] = [
    .two, .three, .four, .six, .init(pairs: [0.5, 3]), .init(pairs: [1, 0.25, 3]), .transposedFive, .transposedSeven,
    .init(pairs: [2], taps: 2),
  ]

  private func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
    a.map { row in b[0].indices.map { column in row.indices.reduce(0) { $0 + row[$1] * b[$1][column] } } }
  }

  private func transposed(_ a: [[Double]]) -> [[Double]] { a[0].indices.map { column in a.map { $0[column] } } }

  /// y_i = Σ d_(i + k) g_k for every pair of basis vectors, which is the filter for all inputs, since both sides are bilinear.
  @Test(arguments: all) func theIdentityHoldsForEveryBasisVector(_ filtering: WinogradFiltering) {
    let (b, g, a) = (filtering.inputTransform, filtering.filterTransform, filtering.outputTransform)
    for input in 0..<filtering.inputs {
      for tap in 0..<filtering.taps {
        for output in 0..<filtering.outputs {
          let value = (0..<filtering.inputs).reduce(0.0) { $0 + a[output][$1] * g[$1][tap] * b[$1][input] }
          #expect(abs(value - (input == output + tap ? 1 : 0)) < 1e-12)
        }
      }
    }
  }

  /// The same for smaller tiles, which take the weights of the whole one.
  @Test(arguments: all) func smallerTilesTakeTheSameWeights(_ filtering: WinogradFiltering) {
    let axes = filtering.axes
    #expect(
      axes.map(\.outputs)
        == Array(stride(from: filtering.outputs, to: filtering.pairs == 0 ? filtering.outputs - 1 : 1, by: -2)))
    for axis in axes {
      #expect(axis.points.count == axis.reads && axis.reads == axis.outputs + filtering.taps - 1)
      for input in 0..<axis.reads {
        for tap in 0..<filtering.taps {
          for output in 0..<axis.outputs {
            let value = axis.points.enumerated().reduce(0.0) { sum, place in
              let (index, point) = place
              return sum + axis.outputTransform[output][index] * filtering.filterTransform[point][tap]
                * axis.inputTransform[index][input]
            }
            #expect(abs(value - (input == output + tap ? 1 : 0)) < 1e-12)
          }
        }
      }
    }
  }

  static let isolated: [WinogradFiltering] = [.isolatedTwo, .isolatedThree]

  /// A few pixels with nothing around them, and the three weights that reach from one to the next. Maps of fewer pixels come out of the
  /// points that they need alone.
  @Test(arguments: isolated) func isolatedPixelsAreFilteredToo(_ filtering: WinogradFiltering) {
    let (b, g, a) = (filtering.inputTransform, filtering.filterTransform, filtering.outputTransform)
    for extent in 1...filtering.outputs {
      let points = (0..<filtering.inputs).filter { filtering.needs(point: $0, extent: extent) }
      for input in 0..<extent {
        for tap in 0..<3 {
          for output in 0..<extent {
            let value = points.reduce(0.0) { $0 + a[output][$1] * g[$1][tap] * b[$1][input] }
            #expect(abs(value - (input == output + tap - 1 ? 1 : 0)) < 1e-12)
          }
        }
      }
    }
  }

  @Test func fewerPixelsNeedFewerPoints() {
    func points(_ filtering: WinogradFiltering) -> [Int] {
      (1...filtering.outputs).map { extent in
        (0..<filtering.inputs).filter { filtering.needs(point: $0, extent: extent) }.count
      }
    }
    #expect(points(.isolatedTwo) == [1, 3])
    #expect(points(.isolatedThree) == [3, 3, 5])
    #expect((0..<6).allSatisfy { WinogradFiltering.four.needs(point: $0, extent: 1) })
  }

  /// The matrices of Lavin and Gray (2016), section 4, up to the order and sign of rows: F(2, 3) and F(4, 3).
  @Test func inputTransformsArePublishedOnes() {
    func rows(_ matrix: [[Double]]) -> Set<[Int]> {
      Set(
        matrix.map { row in
          let numbers = row.map { Int(($0 * 1000).rounded()) }
          return numbers.first { $0 != 0 }! < 0 ? numbers.map { -$0 } : numbers
        })
    }
    let two = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]
    let four = [
      [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ]
    #expect(rows(WinogradFiltering.two.inputTransform) == rows(two.map { $0.map(Double.init) }))
    #expect(rows(WinogradFiltering.four.inputTransform) == rows(four.map { $0.map(Double.init) }))
  }

  @Test func productsAreFewerByTheKnownFactors() {
    for (filtering, factor) in [
      (WinogradFiltering.two, 2.25), (.three, 3.24), (.four, 4), (.six, 5.0625), (.transposedSeven, 49.0 / 16),
    ] {
      let direct = filtering.taps * filtering.taps * filtering.outputs * filtering.outputs
      #expect(Double(direct) / Double(filtering.products) == factor)
    }
  }

  /// The kernels, which read the coefficients in halves, against the matrices themselves in Double (``ReferenceBackend``).
  @Test(arguments: all + isolated) func kernelsComputeTheTransforms(_ filtering: WinogradFiltering) throws {
    let reference = ReferenceKernels()
    for set in VectorKernels.instructionSets where VectorKernels(instructionSet: set) != nil {
      let kernels = try #require(VectorKernels(instructionSet: set))
      for channels in [16, 19, 33] {
        for (row, column, step) in [(-1, -2, 1), (3, 2, 1), (-3, 1, 3), (9, 12, 2)] {
          let plane = channels + 5
          let input = Extent2D(height: 13, width: 17)
          let tiling = WinogradTiling(
            filtering, input: input, inputChannels: channels, output: Extent2D(height: 11, width: 12),
            outputChannels: channels,
            step: Extent2D(step), inputPlane: plane, outputPlane: plane)
          let image = Tensor.random([1, 13, 17, channels], seed: 1).elements(of: Float.self)
          let values = Tensor.random([filtering.products * plane], seed: 2).elements(of: Float.self)
          let bias = Tensor.random([channels], seed: 3).elements(of: Float.self)
          let residual = Tensor.random([1, 11, 12, channels], seed: 4).elements(of: Float.self)
          for (rowAxis, columnAxis) in axisPairs(filtering) {
            let name = "\(set) \(filtering.name) \(rowAxis) \(columnAxis)"
            var tile = WinogradTile(row: row, column: column, rowAxis: rowAxis, columnAxis: columnAxis)
            func planes(_ kernels: any Kernels) -> [Float] {
              var planes = [Float](repeating: 7, count: filtering.products * plane)
              kernels.winogradInput(tiling, image: image, tile, padding: (0, 0), &planes)
              return planes
            }
            expectClose(planes(kernels), planes(reference), "\(name) input \(channels)")
            (tile.row, tile.column) = (max(0, row), max(0, column))
            func result(_ kernels: any Kernels, _ function: ElementwiseFunction) -> [Float] {
              var y = [Float](repeating: 9, count: 11 * 12 * channels)
              y.withUnsafeMutableBufferPointer { y in
                bias.withUnsafeBufferPointer { bias in
                  residual.withUnsafeBufferPointer { residual in
                    kernels.winogradOutput(
                      tiling, planes: values,
                      Epilogue(
                        shift: bias.baseAddress!, residual: residual.baseAddress!, residualStride: channels,
                        function: function),
                      into: Destination(y.baseAddress!, stride: channels), tile)
                  }
                }
              }
              return y
            }
            // As the phases of a transposed convolution lie.
            if row < 0 {
              let apart = WinogradTiling(
                filtering, input: input, inputChannels: channels, output: Extent2D(height: 11, width: 12),
                outputChannels: channels,
                step: 1, outputStep: Extent2D(height: 2, width: 3), inputPlane: plane, outputPlane: plane)
              let outside = WinogradTile(row: -1, column: row, rowAxis: rowAxis, columnAxis: columnAxis)
              func spread(_ kernels: any Kernels, _ function: ElementwiseFunction) -> [Float] {
                var y = [Float](repeating: 9, count: 11 * 12 * channels)
                y.withUnsafeMutableBufferPointer { y in
                  bias.withUnsafeBufferPointer { bias in
                    kernels.winogradOutput(
                      apart, planes: values, Epilogue(shift: bias.baseAddress!, function: function),
                      into: Destination(y.baseAddress!, stride: channels), outside)
                  }
                }
                return y
              }
              let sums = spread(reference, .identity)
              for function in [ElementwiseFunction.identity, .hardSwish] {
                expectClose(
                  spread(kernels, function), spread(reference, function), of: sums, "\(name) output apart \(function)")
              }
            }
            // What a function cuts off was rounded all the same.
            let sums = result(reference, .identity)
            for function in [ElementwiseFunction.identity, .relu, .relu6, .hardSwish] {
              expectClose(
                result(kernels, function), result(reference, function), of: sums, "\(name) output \(function)")
            }
          }
        }
      }
    }
  }

  /// Whole and smaller tiles along both axes.
  private func axisPairs(_ filtering: WinogradFiltering) -> [(Int, Int)] {
    let axes = filtering.axes.indices
    return axes.flatMap { row in axes.map { (row, $0) } }
  }

  @Test(arguments: all + isolated) func kernelsTransformWeights(_ filtering: WinogradFiltering) throws {
    let reference = ReferenceKernels()
    for set in VectorKernels.instructionSets where VectorKernels(instructionSet: set) != nil {
      let kernels = try #require(VectorKernels(instructionSet: set))
      let layout = kernels.panelLayout
      for width in [layout.unit, layout.width] {
        let tiling = WinogradTiling(
          filtering, input: 8, inputChannels: 16, output: 8, outputChannels: 16, step: 1, inputPlane: 0, outputPlane: 0)
        let weights = Tensor.random([5, filtering.taps * filtering.taps, width], seed: 6).elements(of: Float.self)
        let plane = 5 * width + 3
        func planes(_ kernels: any Kernels) -> [Float] {
          var planes = [Float](repeating: 7, count: filtering.products * plane)
          kernels.winogradFilter(tiling, weights, count: 5, width: width, &planes, plane: plane)
          return planes
        }
        expectClose(planes(kernels), planes(reference), "\(set) weights \(filtering.name) \(width)")
      }
    }
  }

  /// A transform sums up to 64 products of coefficients up to a few hundred.
  private func expectClose(_ actual: [Float], _ expected: [Float], of sums: [Float]? = nil, _ what: String) {
    let scale = (sums ?? expected).reduce(1) { max($0, abs($1)) }
    let worst = zip(actual, expected).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    #expect(worst <= 4e-6 * scale, "\(what): \(worst) of \(scale)")
  }
}
