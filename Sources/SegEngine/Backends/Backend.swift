/// The matrix products that a BLAS library gives, and the threads that operators split their work over.
///
/// A backend computes on float32 in memory that the caller owns. Leading dimensions and steps are counted in elements, matrices are
/// row-major. A product does not split its work, except ``batchedGemm(count:transposeA:transposeB:m:n:k:alpha:_:_:aStep:_:_:bStep:beta:_:_:cStep:)``:
/// operators do, over ``workers``. So a backend keeps its library at one thread, and its members may be called from several threads at once.
///
/// ``OpenBLASBackend`` is the default. ``ReferenceBackend`` sums in Double and is what tests compare with. Another BLAS is a type that
/// conforms to this protocol; it runs with the vector kernels of the widest instruction set of the machine.
public protocol Backend: Sendable {
  /// A name for reports. Times that were measured on a backend are kept under its name.
  var name: String { get }

  /// The threads over which operators split their work.
  var workers: WorkerPool { get }

  /// C ← alpha · op(A) · op(B) + beta · C, op(A) of `m` × `k`, op(B) of `k` × `n`. With `beta` 0, C is not read.
  func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int,
    _ b: UnsafePointer<Float>, _ ldb: Int, beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int)

  /// `count` products of matrices that lie at constant distances, split over ``workers``: the first elements of the operands of product i
  /// are `a + i · aStep`, `b + i · bStep` and `c + i · cStep`.
  func batchedGemm(
    count: Int, transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float,
    _ a: UnsafePointer<Float>, _ lda: Int, aStep: Int, _ b: UnsafePointer<Float>, _ ldb: Int, bStep: Int, beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int, cStep: Int)
}

extension Backend {
  /// One call of `gemm` for each product.
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
