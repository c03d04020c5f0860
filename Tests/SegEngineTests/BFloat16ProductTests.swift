import TestSupport
import Testing

@testable import SegEngine

/// Products whose factors are bfloat16: the kernels of every instruction set, Winograd convolutions, and the option of a compilation.
@Suite struct BFloat16ProductTests {
  private static let sets = VectorKernels.instructionSets.filter { VectorKernels(instructionSet: $0) != nil }

  @Test func numbersAreRoundedToTheNearestTiesToEven() {
    let cases: [(Float, UInt16)] = [
      (1, 0x3f80), (-2, 0xc000), (0, 0), (1.00390625, 0x3f80), (1.01171875, 0x3f82), (1.00390637, 0x3f81),
      (.infinity, 0x7f80),
      (.greatestFiniteMagnitude, 0x7f80),
    ]
    for (number, bits) in cases { #expect(BFloat16.bits(of: number) == bits, "\(number)") }
    #expect(BFloat16.number(BFloat16.bits(of: .nan)).isNaN)
    #expect(BFloat16.number(BFloat16.bits(of: Float(bitPattern: 0x7f80_0001))).isNaN)
  }

  /// Integers of at most eight bits are exact in bfloat16, and their sums in float32.
  @Test(arguments: sets) func kernelsSumPairsExactly(_ set: String) throws {
    let kernels = try #require(VectorKernels(instructionSet: set))
    let layout = kernels.panelLayout
    for (rows, words, columns) in [
      (1, 1, 1), (7, 5, layout.width), (6, 40, layout.width + 3), (13, 700, 2 * layout.width + layout.unit),
    ] {
      func integer(_ index: Int, _ seed: Int) -> Int { (index &* 7919 &+ seed) % 201 - 100 }
      func word(_ low: Int, _ high: Int) -> Float {
        Float(bitPattern: UInt32(BFloat16.bits(of: Float(low))) | UInt32(BFloat16.bits(of: Float(high))) << 16)
      }
      let a = (0..<rows * words).map { word(integer(2 * $0, 3), integer(2 * $0 + 1, 3)) }
      var panels = [Float](repeating: 0, count: layout.count(k: words, n: columns))
      for column in 0..<columns {
        let first = column / layout.width * layout.width
        let stored = layout.storedColumns(at: first, of: columns)
        for i in 0..<words {
          panels[layout.offset(ofPanelAt: first, k: words) + i * stored + column - first] = word(
            integer(2 * i + 31 * column, 5), integer(2 * i + 1 + 31 * column, 5))
        }
      }
      var y = [Float](repeating: .nan, count: rows * columns)
      y.withUnsafeMutableBufferPointer { y in
        a.withUnsafeBufferPointer { a in
          panels.withUnsafeBufferPointer { panels in
            var operands = PanelOperands(
              rows: .strided(a.baseAddress!, stride: words), rowCount: rows, depth: words, panels: panels.baseAddress!,
              columns: columns, into: Destination(y.baseAddress!, stride: columns))
            operands.wordTerms = 2
            kernels.panelProduct(operands)
          }
        }
      }
      for row in 0..<rows {
        for column in 0..<columns {
          let sum = (0..<2 * words).reduce(0) { sum, term in
            sum + integer(2 * words * row + term, 3) * integer(term + 31 * column, 5)
          }
          #expect(y[row * columns + column] == Float(sum), "\(set) \(rows) \(words) \(row) \(column)")
        }
      }
    }
  }

  /// Relative to the sums of rounded factors in Double, what is left is where a transform in float32 rounds to the other neighbour.
  @Test(arguments: ConvolutionAlgorithms.bfloat16.map(\.name), sets)
  func winogradFollowsItsDefinition(_ name: String, _ set: String) throws {
    let method = try #require(ConvolutionAlgorithms.bfloat16.first { $0.name == name })
    for (inputs, outputs, height, width, dilation, batch) in [
      (32, 48, 19, 23, 1, 2), (64, 64, 30, 30, 1, 1), (96, 40, 17, 26, 3, 1), (34, 130, 12, 9, 1, 1),
      (512, 512, 14, 14, 1, 1),
    ] {
      let problem = ConvolutionProblem(
        .forward, .init(kernel: 3, dilation: Extent2D(dilation), padding: Padding2D(dilation)),
        input: [batch, height, width, inputs], output: [batch, height, width, outputs])
      let x = Tensor.random([batch, height, width, inputs], seed: 1).elements(of: Float.self)
      let w = Tensor.random([outputs, inputs, 3, 3], seed: 2).elements(of: Float.self)
      func convolve(_ method: ConvolutionMethod, _ device: ComputeDevice) throws -> [Float] {
        let algorithm = try #require(method.make(problem, device))
        var packed = Tensor(uninitialized: [algorithm.packedCount])
        var scratch = Tensor(uninitialized: [algorithm.scratchCount(threads: device.workers.threadCount)])
        var y = [Float](repeating: .nan, count: batch * height * width * outputs)
        packed.withUnsafeMutableElements(of: Float.self) { packed in
          scratch.withUnsafeMutableElements(of: Float.self) { scratch in
            y.withUnsafeMutableBufferPointer { y in
              algorithm.pack(w, into: packed.baseAddress!, over: device.workers)
              x.withUnsafeBufferPointer { x in
                algorithm.run(
                  ConvolutionRun(
                    device: device, x: x.baseAddress!, xStride: inputs, weights: packed.baseAddress!,
                    epilogue: Epilogue(),
                    result: Destination(y.baseAddress!, stride: outputs)), scratch: scratch.baseAddress!)
              }
            }
          }
        }
        return y
      }
      let workers = WorkerPool(threads: 2)
      let device = ComputeDevice(OpenBLASBackend(workers: workers, instructionSet: set))
      let computed = try convolve(method, device)
      // The reference would take long for many channels: there the sums of float32 are what rounding is measured from.
      let isLarge = inputs == 512
      let expected =
        try isLarge
        ? convolve(TiledIm2Col.method, device) : convolve(method, ComputeDevice(ReferenceBackend(workers: workers)))
      let size = rootMeanSquare(expected)
      let difference = rootMeanSquare(zip(computed, expected).map { $0 - $1 })
      #expect(
        difference < (isLarge ? roundingBound : 1e-3) * size,
        "\(name) \(set) \(inputs) \(outputs): \(difference / size)")
    }
  }

  /// The relative error that rounding leaves in F(6 × 6) of independent pixels, with factors that are each off by 2⁻⁹ of themselves: the
  /// square root of the sum over points of the variances that the transforms give pixels, weights and outputs, over the nine products' own.
  private let roundingBound: Float = {
    let f = WinogradFiltering.six
    // Pixels, weights and outputs are transformed along both axes, so that the root of the sum over both is the sum along one.
    let variance = (0..<f.inputs).reduce(0.0) { sum, point in
      let pixels = f.inputTransform[point].reduce(0) { $0 + $1 * $1 }
      let weights = f.filterTransform[point].reduce(0) { $0 + $1 * $1 }
      return sum + pixels * weights * f.outputTransform.reduce(0) { $0 + $1[point] * $1[point] } / Double(f.outputs)
    }
    return Float(0x1p-8 * variance / 3)
  }()

  private func rootMeanSquare(_ numbers: [Float]) -> Float {
    Float((numbers.reduce(0) { $0 + Double($1) * Double($1) } / Double(numbers.count)).squareRoot())
  }

  private func chain() throws -> Graph {
    try Graph("chain") { g in
      let x = g.input("x", [1, 48, 48, 64])
      g.output("y", x.conv("one", 64, kernel: 3, padding: 1).relu().conv("two", 128, kernel: 3, padding: 1))
    }
  }

  /// With rounded factors results are near those of float32, and not equal to them.
  @Test func precisionOfACompilation() throws {
    let graph = try chain()
    let parameters = Parameters(initializing: graph, seed: 3)
    let x = Tensor.random([1, 48, 48, 64], seed: 4)
    for name in CompileOptions.bfloat16AlgorithmNames {
      for backend in [OpenBLASBackend(), ReferenceBackend()] as [any Backend] {
        var options = CompileOptions(convolutionAlgorithm: name)
        let exact = try graph.compiled(parameters: parameters, on: backend, options: options)
        options.precision = .bfloat16
        let reduced = try graph.compiled(parameters: parameters, on: backend, options: options)
        let (p, q) = (try exact.run(["x": x])["y"]!, try reduced.run(["x": x])["y"]!)
        let (a, b) = (p.elements(of: Float.self), q.elements(of: Float.self))
        guard ComputeDevice(backend).kernels.multipliesBFloat16 else {
          #expect(a == b)
          continue
        }
        let algorithms = reduced.plan.steps.map(\.algorithm).filter { !$0.isEmpty }
        #expect(algorithms == [name, name], "\(algorithms)")
        let difference = rootMeanSquare(zip(a, b).map { $0 - $1 }) / rootMeanSquare(a)
        #expect((1e-4..<2 * roundingBound).contains(difference), "\(name): \(difference)")
      }
    }
  }

  @Test func packedWeightsTakeHalfTheBytes() throws {
    let problem = ConvolutionProblem(
      .forward, .init(kernel: 3, padding: 1), input: [1, 48, 48, 64], output: [1, 48, 48, 128])
    let candidates = ConvolutionAlgorithms.candidates(
      for: problem, on: ComputeDevice(ReferenceBackend()), precision: .bfloat16)
    let full = try #require(candidates.first { $0.name == "winograd 6×6" })
    let reduced = try #require(candidates.first { $0.name == "winograd 6×6 bfloat16" })
    #expect(2 * reduced.packedByteCount == full.packedByteCount)
  }

  /// A float32 compilation never multiplies in bfloat16, also where such an algorithm is named.
  @Test func float32StaysFloat32() throws {
    let graph = try chain()
    for name in CompileOptions.bfloat16AlgorithmNames {
      let plan = try graph.plan(on: OpenBLASBackend(), options: CompileOptions(convolutionAlgorithm: name))
      #expect(plan.steps.map(\.algorithm).allSatisfy { !$0.contains("bfloat16") })
    }
  }
}
