/// One product of dense matrices, computed once on each of several threads at a time, for measuring the rate of a backend's general
/// product and of the engine's own with packed panels.
///
/// Both multiply the same A, `m` × `k`, and B, `k` × `n`. Each copy writes a result of its own. The packed form of B is made beforehand,
/// as that of weights is.
public final class ProductBenchmark {
  private let m, n, k, copies: Int
  private let device: ComputeDevice
  private let a, b: [Float]
  private let panels: [Float]
  private let c: UnsafeMutablePointer<Float>

  /// Multiply–adds of a call, over all copies.
  public var macs: Double { Double(copies) * Double(m) * Double(n) * Double(k) }

  /// Makes the matrices.
  ///
  /// - Parameter copies: How often the product is computed in a call: the number of threads, for each to compute one.
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

  /// Computes all copies by the backend's `gemm`.
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
