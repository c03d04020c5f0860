/// The matrix products of a BLAS library, and the threads that operators split their work over.
///
/// A backend computes on float32 in memory that the caller owns. Leading dimensions and steps are counted in elements, matrices are
/// row-major. A product runs on the calling thread, except
/// ``batchedGemm(count:transposeA:transposeB:m:n:k:alpha:_:_:aStep:_:_:bStep:beta:_:_:cStep:)``: operators split work over ``workers``. So
/// a backend sets its library to one thread. Its members may be called from several threads at once.
///
/// ``OpenBLASBackend`` is the default. ``ReferenceBackend`` sums in Double; tests compare with it. Another BLAS is a type that conforms to
/// this protocol. It runs with the vector kernels of the machine's widest instruction set.
public protocol Backend: Sendable {
  /// A name for reports, and the key of times measured on the backend.
  var name: String { get }

  /// The threads over which operators split their work.
  var workers: WorkerPool { get }

  /// Computes C ← alpha · op(A) · op(B) + beta · C, with op(A) of `m` × `k` and op(B) of `k` × `n`. With `beta` 0, C is not read.
  func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int,
    _ b: UnsafePointer<Float>, _ ldb: Int, beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int)

  /// Computes `count` products of matrices at constant distances, split over ``workers``: the first elements of the operands of product i
  /// are `a + i · aStep`, `b + i · bStep` and `c + i · cStep`.
  func batchedGemm(
    count: Int, transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float,
    _ a: UnsafePointer<Float>, _ lda: Int, aStep: Int, _ b: UnsafePointer<Float>, _ ldb: Int, bStep: Int, beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int, cStep: Int)
}

extension Backend {
  /// Calls `gemm` once for each product.
  public func batchedGemm(
    count: Int, transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float,
    _ a: UnsafePointer<Float>, _ lda: Int, aStep: Int, _ b: UnsafePointer<Float>, _ ldb: Int, bStep: Int, beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int, cStep: Int
  ) {
    workers.forEach(count) { index, _ in
      gemm(
        transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, alpha: alpha, a + index * aStep, lda,
        b + index * bStep, ldb, beta: beta, c + index * cStep, ldc)
    }
  }
}
