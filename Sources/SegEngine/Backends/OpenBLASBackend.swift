import COpenBLAS

/// The default backend: products by OpenBLAS.
///
/// OpenBLAS is kept at one thread. The engine's own workers call it side by side, each on a tile that fits its cache.
public struct OpenBLASBackend: Backend, KernelProviding {
  public let workers: WorkerPool
  private let vectorKernels: VectorKernels

  /// Makes a backend on the given workers, with the vector kernels of an instruction set: `"avx512"`, `"avx2"` or
  /// `"baseline"`, or with `nil` the widest that the machine has.
  ///
  /// - Precondition: the machine has the instruction set.
  public init(workers: WorkerPool = .shared, instructionSet: String? = nil) {
    OpenBLASBackend.keepOneThread
    self.workers = workers
    guard let instructionSet else {
      vectorKernels = .widest
      return
    }
    guard let kernels = VectorKernels(instructionSet: instructionSet) else {
      preconditionFailure("this machine has no instruction set \(instructionSet)")
    }
    vectorKernels = kernels
  }

  /// Whether the machine has an instruction set of that name.
  public static func supports(instructionSet: String) -> Bool { VectorKernels(instructionSet: instructionSet) != nil }

  private static let keepOneThread: Void = openblas_set_num_threads(1)

  /// The instruction set of the vector kernels.
  public var instructionSet: String { vectorKernels.instructionSet }

  /// Floats that a vector register holds.
  public var vectorWidth: Int { vectorKernels.vectorWidth }

  /// The processor for which OpenBLAS has chosen its product.
  public var coreName: String { String(cString: openblas_get_corename()) }

  public var name: String { "OpenBLAS (\(coreName)), \(instructionSet) kernels" }

  public func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int,
    _ b: UnsafePointer<Float>, _ ldb: Int, beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) {
    guard m > 0, n > 0 else { return }
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, Int32(m), Int32(n),
      Int32(k), alpha, a, Int32(max(1, lda)), b, Int32(max(1, ldb)), beta, c, Int32(max(1, ldc)))
  }
}
