import Testing

@testable import SegEngine

@Suite struct KernelTableTests {
  /// A client's BLAS: textbook loops.
  private struct PlainBackend: Backend {
    let name = "plain"
    let workers = WorkerPool(threads: 2)

    func gemm(
      transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int,
      _ b: UnsafePointer<Float>, _ ldb: Int, beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
    ) {
      for i in 0..<m {
        for j in 0..<n {
          var sum: Float = 0
          for l in 0..<k {
            sum += (transposeA ? a[l * lda + i] : a[i * lda + l]) * (transposeB ? b[j * ldb + l] : b[l * ldb + j])
          }
          c[i * ldc + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * ldc + j])
        }
      }
    }
  }

  @Test func float32HasKernelsForEveryOperationAndOtherFormatsHaveNone() {
    let sets =
      VectorKernels.instructionSets.filter { VectorKernels(instructionSet: $0) != nil } + [
        ReferenceKernels.instructionSet
      ]
    #expect(sets.contains("baseline"))
    for set in sets {
      for operation in KernelTable.Operation.allCases {
        #expect(KernelTable.standard[operation, .float32, set] != nil, "\(operation) \(set)")
        for type in ElementType.allCases where type != .float32 {
          #expect(KernelTable.standard[operation, type, set] == nil, "\(operation) \(type) \(set)")
        }
      }
    }
    #expect(KernelTable.standard[.panelProduct, .float32, "none"] == nil)
  }

  @Test func devicesFindTheKernelsOfTheirBackend() {
    for set in VectorKernels.instructionSets where OpenBLASBackend.supports(instructionSet: set) {
      let device = ComputeDevice(OpenBLASBackend(instructionSet: set))
      #expect((device.kernels as? VectorKernels)?.instructionSet == set)
    }
    #expect(ComputeDevice(ReferenceBackend()).kernels is ReferenceKernels)
    #expect(
      (ComputeDevice(PlainBackend()).kernels as? VectorKernels)?.instructionSet == OpenBLASBackend().instructionSet)
  }

  @Test func noAlgorithmTakesAFormatWithoutKernels() {
    let problem = ConvolutionProblem(
      .forward, ConvolutionGeometry(kernel: 3, padding: 1), input: [1, 16, 16, 32], output: [1, 16, 16, 32])
    let device = ComputeDevice(OpenBLASBackend())
    #expect(!ConvolutionAlgorithms.candidates(for: problem, on: device).isEmpty)
    #expect(ConvolutionAlgorithms.candidates(for: problem, in: .uint8, on: device).isEmpty)
  }

  /// A backend that has nothing but a product runs whole networks.
  @Test func aBackendIsOneProduct() throws {
    let graph = try Graph("net") { builder in
      let x = builder.input("x", [1, 12, 12, 16])
      let map = x.conv("conv", 24, kernel: 3).relu()
      builder.output("y", map.softmax())
    }
    let parameters = Parameters(initializing: graph, seed: 1)
    let input = ["x": Tensor([1, 12, 12, 16], (0..<2304).map { Float($0 % 17) / 17 - 0.5 })]
    for algorithm in ["direct", "im2col", "winograd 2×2"] {
      let options = CompileOptions(algorithmChoice: .named(algorithm))
      let plain = try graph.compiled(parameters: parameters, on: PlainBackend(), options: options).run(input)["y"]!
      let expected = try graph.compiled(parameters: parameters, on: OpenBLASBackend(), options: options)
        .run(input)["y"]!
      let differences = zip(plain.elements(of: Float.self), expected.elements(of: Float.self)).map { abs($0 - $1) }
      // Sums of 144 terms below 0.5 in another order.
      #expect(differences.max()! <= 1e-6, "\(algorithm)")
    }
  }
}
