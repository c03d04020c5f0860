/// Products in plain loops, with sums in Double that are rounded to float32 once, and `ReferenceKernels`. It is slow;
/// tests compare with it.
public struct ReferenceBackend: Backend, KernelProviding {
  public let workers: WorkerPool

  /// Makes a backend on the given workers.
  public init(workers: WorkerPool = .shared) { self.workers = workers }

  public var name: String { "reference" }

  package var instructionSet: String { ReferenceKernels.instructionSet }

  public func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int,
    _ b: UnsafePointer<Float>, _ ldb: Int, beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) {
    for i in 0..<m {
      for j in 0..<n {
        var sum = 0.0
        for l in 0..<k {
          sum +=
            Double(transposeA ? a[l * lda + i] : a[i * lda + l]) * Double(transposeB ? b[j * ldb + l] : b[l * ldb + j])
        }
        let old = beta == 0 ? 0 : Double(beta) * Double(c[i * ldc + j])
        c[i * ldc + j] = Float(Double(alpha) * sum + old)
      }
    }
  }
}
