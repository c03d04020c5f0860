import COpenBLAS

/// The default backend: products by OpenBLAS.
///
/// OpenBLAS is set to one thread. The engine's workers call it concurrently, each on a tile that fits its cache.
public struct OpenBLASBackend: Backend, KernelProviding {
  public let workers: WorkerPool
  private let vectorKernels: VectorKernels

  /// Makes a backend on the given workers, with the vector kernels of an instruction set: `"avx512-bf16"`, `"avx512"`,
  /// `"avx2"` or `"baseline"`, or with `nil` the machine's widest.
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

  /// Returns whether the machine has an instruction set.
  public static func supports(instructionSet: String) -> Bool { VectorKernels(instructionSet: instructionSet) != nil }

  private static let keepOneThread: Void = openblas_set_num_threads(1)

  /// The instruction set of the vector kernels.
  public var instructionSet: String { vectorKernels.instructionSet }

  /// The number of floats in a vector register.
  public var vectorWidth: Int { vectorKernels.vectorWidth }

  /// The processor type for which OpenBLAS has chosen its kernels.
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
