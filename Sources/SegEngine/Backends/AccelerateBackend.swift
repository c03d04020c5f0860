#if canImport(Accelerate)
import Accelerate

/// Products by Apple's Accelerate.
///
/// - Warning: Untested. It compiles where Accelerate can be imported, but no test has run on such a machine.
public struct AccelerateBackend: Backend {
  public let workers: WorkerPool

  /// Makes a backend on the given workers.
  public init(workers: WorkerPool = .shared) {
    // The engine's workers call Accelerate concurrently, so each product runs on the calling thread.
    if #available(macOS 15, iOS 18, tvOS 18, watchOS 11, visionOS 2, *) {
      _ = BLASSetThreading(BLAS_THREADING_SINGLE_THREADED)
    }
    self.workers = workers
  }

  public var name: String { "Accelerate" }

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
#endif
