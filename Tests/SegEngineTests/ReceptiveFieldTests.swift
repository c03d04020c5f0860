import SegEngine
import TestSupport
import Testing

/// Receptive fields against what changes when a pixel does.
@Suite struct ReceptiveFieldTests {
  /// Random stacks of windows with branches: an output pixel changes with exactly the input pixels of its field. Weights are positive, so
  /// that nothing cancels.
  @Test(arguments: UInt64(1)...12) func fieldsAreWhatChanges(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let size = 33
    let graph = try Graph("random") { g in
      var x = g.input("image", [1, size, size, 1])
      for layer in 0..<3 {
        let kernel = Int.random(in: 1...3, using: &generator)
        let rate = Int.random(in: 1...2, using: &generator)
        let stride = Int.random(in: 1...2, using: &generator)
        let padding = Padding2D(Int.random(in: 0...1, using: &generator))
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
          x = x.conv(
            "conv\(layer)", 2, kernel: Extent2D(kernel), stride: Extent2D(stride), padding: padding,
            dilation: Extent2D(rate), initializer: .constant(0.5))
        case 2:
          x = x.pad(Padding2D(top: -1, left: 2, bottom: 0, right: 1)).concat(
            with: x.pad(Padding2D(top: 0, left: 1, bottom: -1, right: 2)))
        case 1: x = x.averagePool(kernel: Extent2D(kernel), stride: Extent2D(stride))
        default:
          // Two branches of one stride and different windows.
          let narrow = x.conv("narrow\(layer)", 2, kernel: 1, stride: Extent2D(stride), initializer: .constant(0.3))
          x =
            narrow
            + x.conv(
              "wide\(layer)", 2, kernel: 3, stride: Extent2D(stride), dilation: Extent2D(rate),
              initializer: .constant(0.2))
        }
      }
      g.output("out", x)
    }
    guard case .window(let height, let width) = graph.receptiveField(of: "out") else {
      Issue.record("a stack of windows has a window")
      return
    }
    let compiled = try graph.compiled(parameters: Parameters(initializing: graph, seed: 1))
    func output(_ row: Int?, _ column: Int?) throws -> Tensor {
      var values = [Float](repeating: 0, count: size * size)
      if let row, let column { values[row * size + column] = 1 }
      return try #require(try compiled.run(["image": Tensor([1, size, size, 1], values)])["out"])
    }
    let base = try output(nil, nil)
    let shape = base.shape
    let middle = (row: shape.height / 2, column: shape.width / 2)
    let index = (middle.row * shape.width + middle.column) * shape.channels
    let start = (height.offset + middle.row * height.jump, width.offset + middle.column * width.jump)
    var seen: (rows: Set<Int>, columns: Set<Int>) = ([], [])
    for row in 0..<size {
      for column in 0..<size {
        // A concatenation's channels see different pixels.
        let pixel = index..<index + shape.channels
        let changed = try output(row, column).elements(of: Float.self)[pixel]
        guard changed != base.elements(of: Float.self)[pixel] else { continue }
        seen.rows.insert(row)
        seen.columns.insert(column)
      }
    }
    // Dilation leaves holes; the ends are those of the window.
    #expect(seen.rows.min() == start.0 && seen.rows.max() == start.0 + height.size - 1)
    #expect(seen.columns.min() == start.1 && seen.columns.max() == start.1 + width.size - 1)
  }

  @Test func meansOfTheWholeMapAreGlobal() throws {
    let graph = try Graph("squeeze") { g in
      let x = g.input("image", [1, 16, 16, 2]).conv("conv", 2, kernel: 3)
      g.output("local", x)
      g.output("weighted", x * x.globalAveragePool())
    }
    #expect(graph.receptiveField(of: "weighted") == .global)
    guard case .window(let height, let width) = graph.receptiveField(of: "local") else {
      Issue.record("a convolution has a window")
      return
    }
    #expect(height == width && (height.size, height.jump, height.offset) == (3, 1, -1))
  }
}
