/// A benchmark of dense matrix products: compares a backend's general product with the engine's product with packed
/// panels. Several copies of the product can run at once, one per thread.
///
/// Both multiply the same A, `m` × `k`, and B, `k` × `n`. Each copy writes its own result. B is packed beforehand, as
/// weights are.
public final class ProductBenchmark {
  private let m, n, k, copies: Int
  private let device: ComputeDevice
  private let a, b: [Float]
  private let panels: [Float]
  private let c: UnsafeMutablePointer<Float>

  /// The multiply–adds of a call, over all copies.
  public var macs: Double { Double(copies) * Double(m) * Double(n) * Double(k) }

  /// Creates the matrices: a of `m` × `k`, b of `k` × `n`.
  ///
  /// - Parameters:
  ///   - m: The rows of a and of the product.
  ///   - n: The columns of b and of the product.
  ///   - k: The columns of a and rows of b.
  ///   - copies: The number of products per call: the number of threads, if each is to compute one.
  ///   - backend: The backend that is measured.
  public init(m: Int, n: Int, k: Int, copies: Int, on backend: any Backend) {
    (self.m, self.n, self.k, self.copies) = (m, n, k, copies)
    device = ComputeDevice(backend)
    a = (0..<m * k).map { Float($0 % 7) - 3 }
    let b = (0..<k * n).map { Float($0 % 5) - 2 }
    let layout = device.kernels.panelLayout
    var panels = [Float](repeating: 0, count: layout.count(k: k, n: n))
    panels.withUnsafeMutableBufferPointer { panels in
      b.withUnsafeBufferPointer {
        layout.pack($0.baseAddress!, rowStride: n, rows: k, columns: n, into: panels.baseAddress!)
      }
    }
    (self.b, self.panels) = (b, panels)
    c = .allocate(capacity: copies * m * n)
    c.initialize(repeating: 0, count: copies * m * n)
  }

  deinit { c.deallocate() }

  /// Computes all copies with the backend's `gemm`.
  public func runGemm() {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        device.workers.forEach(copies) { index, _ in
          device.backend.gemm(
            transposeA: false, transposeB: false, m: m, n: n, k: k, alpha: 1, a.baseAddress!, k, b.baseAddress!, n,
            beta: 0, c + index * m * n, n)
        }
      }
    }
  }

  /// Computes all copies with B packed in panels.
  public func runPanels() {
    a.withUnsafeBufferPointer { a in
      panels.withUnsafeBufferPointer { panels in
        device.workers.forEach(copies) { index, _ in
          device.kernels.panelProduct(
            PanelOperands(
              rows: .strided(a.baseAddress!, stride: k), rowCount: m, depth: k, panels: panels.baseAddress!, columns: n,
              into: Destination(c + index * m * n, stride: n)))
        }
      }
    }
  }
}
