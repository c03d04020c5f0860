extension MachineRoofs {
  private static let depths = [16, 32, 64, 144, 288, 576, 1152, 2304]
  private static let columns = [8, 16, 24, 48, 96, 192, 384]
  private static let gemmDepths = [32, 128, 512, 2048]
  private static let gemmColumns = [16, 64, 256]
  private static let workingSets = [
    1 << 15, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 22, 1 << 24, 1 << 25, 1 << 26, 1 << 27,
  ]
  /// The rows of a product: those of a tile.
  private static let rows = 96

  /// Measures a backend's roofs on one thread and on all of its threads. Takes a few seconds.
  static func measured(on backend: any Backend, alone: any Backend) -> MachineRoofs {
    let (scratch, kernels) = (Scratch(), ComputeDevice(backend).kernels)
    func products(_ depths: [Int], _ columns: [Int], _ run: (Int, Int) -> Void) -> RateGrid {
      RateGrid(
        rows: depths.map(Double.init), columns: columns.map(Double.init),
        rates: depths.map { depth in
          columns.map { columns in
            let seconds = Stopwatch.fastest(lasting: 0.004) { run(depth, columns) }
            return Double(rows * depth * columns) / seconds
          }
        })
    }
    let panels = products(depths, columns) { depth, columns in
      kernels.panelProduct(
        PanelOperands(
          rows: .strided(scratch.a, stride: depth), rowCount: rows, depth: depth, panels: scratch.b, columns: columns,
          into: Destination(scratch.c, stride: columns)))
    }
    let gemm = products(gemmDepths, gemmColumns) { depth, columns in
      backend.gemm(
        transposeA: false, transposeB: false, m: rows, n: columns, k: depth, alpha: 1, scratch.a, depth, scratch.b,
        columns, beta: 0, scratch.c, columns)
    }
    let backends = backend.workers.threadCount > 1 ? [alone, backend] : [backend]
    let bandwidth = RateGrid(
      rows: workingSets.map(Double.init), columns: backends.map { Double($0.workers.threadCount) },
      rates: workingSets.map { bytes in backends.map { copyRate(bytes, scratch, $0) } })
    return MachineRoofs(panelRate: panels, gemmRate: gemm, bandwidth: bandwidth)
  }

  /// The bandwidth of copying one half of `byteCount` bytes to the other half, in bytes read and written per second.
  private static func copyRate(_ byteCount: Int, _ scratch: Scratch, _ backend: any Backend) -> Double {
    let count = byteCount / 8
    let seconds = Stopwatch.fastest(lasting: 0.02) {
      backend.workers.forEachRange(count, grain: 4096) { range, _ in
        (scratch.large + count + range.lowerBound).update(from: scratch.large + range.lowerBound, count: range.count)
      }
    }
    return Double(byteCount) / seconds
  }

  /// Memory for products and copies.
  private final class Scratch {
    let a, b, c, large: UnsafeMutablePointer<Float>

    init() {
      func memory(_ count: Int) -> UnsafeMutablePointer<Float> {
        let bytes = UnsafeMutableRawPointer.allocate(
          byteCount: ElementType.float32.byteCount(of: count), alignment: AlignedMemory.alignment)
        let floats = bytes.bindMemory(to: Float.self, capacity: count)
        floats.initialize(repeating: 0.5, count: count)
        return floats
      }
      let depth = max(depths.max() ?? 0, gemmDepths.max() ?? 0)
      let widest = max(columns.max() ?? 0, gemmColumns.max() ?? 0)
      a = memory(rows * depth)
      // The last panel is padded.
      b = memory(depth * (widest + 64))
      c = memory(rows * widest)
      large = memory((workingSets.max() ?? 0) / ElementType.float32.byteCount)
    }

    deinit { for pointer in [a, b, c, large] { pointer.deallocate() } }
  }
}
