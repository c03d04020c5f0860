import SegEngine
import TestSupport
import Testing

/// Receptive fields from the graph alone, against closed formulas and against what perturbing the input changes.
@Suite struct ReceptiveFieldTests {
  private func size(_ extent: Int, _ body: (Value) -> Value) throws -> ReceptiveField {
    let graph = try Graph("graph") { g in g.output("y", body(g.input("x", [1, extent, extent, 4]))) }
    return try #require(try ReceptiveFields(graph)[output: "y"])
  }

  // MARK: Chains

  private struct Layer {
    let kernel, stride, rate: Int
  }

  @Test(arguments: 0..<30)
  func chainsHaveTheClosedFormula(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let layers = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
      Layer(
        kernel: .random(in: 1...5, using: &generator), stride: .random(in: 1...3, using: &generator),
        rate: .random(in: 1...4, using: &generator))
    }
    let padding = layers.map { _ in Int.random(in: 0...3, using: &generator) }
    let field = try size(2000) { x in
      zip(layers, padding).enumerated().reduce(x) { y, step in
        y.conv(
          "conv\(step.offset)", 1, kernel: Extent2D(step.element.0.kernel), stride: Extent2D(step.element.0.stride),
          padding: Padding2D(step.element.1), dilation: Extent2D(step.element.0.rate))
      }
    }
    let expected = ConvolutionFormulas.receptiveField(
      kernels: layers.map(\.kernel), strides: layers.map(\.stride), rates: layers.map(\.rate))
    #expect(field.height.size == expected && field.width.size == expected && !field.isGlobal)
    let jump = layers.reduce(1) { $0 * $1.stride }
    #expect(field.height.jump == Double(jump))
    // The first pixel's field begins at −Σ padding · jump.
    var (begin, step) = (0, 1)
    for (layer, padding) in zip(layers, padding) {
      begin -= padding * step
      step *= layer.stride
    }
    #expect(field.height.offset == Double(begin) + Double(expected - 1) / 2)
  }

  private func vgg(_ x: Value) -> Value {
    var y = x
    for (block, count) in [2, 2, 3, 3, 3].enumerated() {
      for index in 0..<count { y = y.conv("conv\(block)_\(index)", 1, kernel: 3).relu() }
      y = y.maxPool(kernel: 2, stride: 2)
    }
    return y
  }

  /// Published: 212 for VGG16's last pooling; 404 at stride 32 for the fully convolutional network (Long et al. 2015, table 1).
  @Test func publishedFigures() throws {
    let pool = try size(512, vgg)
    #expect(pool.height == pool.width && pool.height.size == 212 && pool.height.jump == 32)
    let full = try size(512) { vgg($0).conv("fc6", 1, kernel: 7).conv("fc7", 1, kernel: 1) }
    #expect(full.height.size == 404 && full.height.jump == 32)
    // DeepLab v1, table 2: kernel and rate of the last convolution, and another quantity under the same name.
    for (kernel, rate, published) in [(7, 4, 224), (4, 4, 128), (4, 8, 224), (3, 12, 224)] {
      #expect(ConvolutionFormulas.deepLabFieldOfView(kernel: kernel, rate: rate) == published)
    }
    // ResNet-50 with its strides in the first 1×1 of a block: 483 (Araujo et al. 2019); in the 3×3, as torchvision has them: 427.
    for (stridesFirst, expected) in [(true, 483), (false, 427)] {
      let resNet = try size(1024) { x in
        var y = x.conv("conv1", 1, kernel: 7, stride: 2).maxPool(kernel: 3, stride: 2, padding: 1)
        for (stage, count) in [3, 4, 6, 3].enumerated() {
          for block in 0..<count {
            let stride: Extent2D = stage > 0 && block == 0 ? 2 : 1
            let name = "layer\(stage).\(block)."
            let z = y.conv(name + "1", 1, kernel: 1, stride: stridesFirst ? stride : 1)
              .conv(name + "2", 1, kernel: 3, stride: stridesFirst ? 1 : stride).conv(name + "3", 1, kernel: 1)
            y = (z + (block == 0 ? y.conv(name + "s", 1, kernel: 1, stride: stride) : y)).relu()
          }
        }
        return y
      }
      #expect(resNet.height.size == expected && resNet.height.jump == 32 && !resNet.isGlobal)
    }
  }

  // MARK: Up-sampling, branches, global operators

  @Test func magnifiedMaps() throws {
    // Kernel and stride 2: each output sees one input.
    let twice = try size(16) { $0.transposedConv("up", 1, kernel: 2, stride: 2) }
    #expect(twice.height == .init(size: 1, jump: 0.5, offset: 0))
    #expect(try size(16) { $0.transposedConv("up", 1, kernel: 4, stride: 2, padding: 1) }.height.size == 2)
    #expect(try size(16) { $0.resize(by: 2, .nearest) }.height.size == 1)
    #expect(try size(16) { $0.resize(by: 2, .bilinear) }.height.size == 2)
    #expect(try size(16) { $0.resize(by: 2, .bicubic) }.height.size == 4)
    #expect(try size(16) { $0.pixelShuffle(2) }.height == .init(size: 1, jump: 0.5, offset: 0))
    // Down by two with a kernel of three, and back: the pixel itself and its neighbours, or two cells' worth.
    let around = try size(32) { $0.conv("down", 4, kernel: 3, stride: 2).resize(by: 2, .bilinear) }
    #expect(around.height.size == 5 && around.height.jump == 1)
  }

  @Test func branchesAreUnions() throws {
    let field = try size(64) { x in
      x.conv("a", 4, kernel: 3, dilation: 6) + x.conv("b", 4, kernel: 5) + x
    }
    #expect(field.height == .init(size: 13, jump: 1, offset: 0))
    let aside = try size(64) { x in
      x.conv("a", 4, kernel: 3, padding: 0).concat(
        with: x.conv("b", 4, kernel: 3, padding: Padding2D(top: 0, left: 4, bottom: 0, right: -4)))
    }
    #expect(aside.height.size == 3 && aside.width.size == 7)
  }

  @Test func globalOperatorsAreMarked() throws {
    #expect(try size(16) { $0.conv("a", 4, kernel: 3) * $0.globalAveragePool() }.isGlobal)
    let gated = try size(16) { $0.conv("a", 4, kernel: 3) * $0.globalAveragePool().sigmoid() }
    #expect(gated.height.size == 3 && gated.height.jump == 1)
    let pooled = try size(16) { $0.globalAveragePool() }
    #expect(pooled.isGlobal && pooled.height.size == 16)
    #expect(try size(16) { $0.softmax(axis: 1) }.isGlobal)
    #expect(try !size(16) { $0.softmax(axis: -1) }.isGlobal)
    #expect(try size(16) { $0.groupNorm("n", groups: 2) }.isGlobal)
  }

  @Test func valuesThatDoNotDependOnTheInput() throws {
    let graph = try Graph("two") { g in
      let (a, b) = (g.input("a", [1, 8, 8, 2]), g.input("b", [1, 8, 8, 2]))
      g.output("a only", a.conv("a", 2, kernel: 3))
      g.output("resized", b.resize(like: a.conv("c", 2, kernel: 3, stride: 2)))
      g.output("both", a.conv("d", 2, kernel: 3) + b)
    }
    let ofA = try ReceptiveFields(graph, of: "a")
    let ofB = try ReceptiveFields(graph, of: "b")
    #expect(ofA[output: "a only"]?.height.size == 3 && ofB[output: "a only"] == nil)
    #expect(ofA[output: "resized"] == nil && ofB[output: "resized"] != nil)
    #expect(ofA[output: "both"]?.height.size == 3 && ofB[output: "both"]?.height.size == 1)
    #expect(ofA[output: "nothing"] == nil)
    #expect(throws: GraphError.self) { try ReceptiveFields(graph, of: "c") }
  }

  // MARK: Against perturbation

  /// A random graph of branches, dilations, strides, poolings and ways back up. All weights are to be ones.
  ///
  /// - Parameter isUniform: Whether branches that do not meet at one size are left out, so that the field is the same everywhere.
  private func randomGraph(_ seed: UInt64, extents: ClosedRange<Int> = 14...22, isUniform: Bool = false) throws -> Graph
  {
    let largest = extents.upperBound * 3 / 2
    var generator = SeededGenerator(seed: 1000 + seed)
    func pick(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &generator) }
    var number = 0
    func name() -> String {
      number += 1
      return "n\(number)"
    }
    func step(_ x: Value, depth: Int) -> Value {
      let (height, width) = (x.shape.height, x.shape.width)
      let room = min(height, width)
      switch pick(0...11) {
      case 0...2:
        let kernel = Extent2D(height: pick(1...3), width: pick(1...3))
        let dilation = Extent2D(height: pick(1...3), width: pick(1...3))
        let effective = Extent2D(
          height: (kernel.height - 1) * dilation.height, width: (kernel.width - 1) * dilation.width)
        guard effective.height < height, effective.width < width else { return x.relu() }
        return x.conv(
          name(), 4, kernel: kernel, stride: Extent2D(height: pick(1...2), width: pick(1...2)),
          padding: Padding2D(
            top: pick(0...effective.height), left: pick(0...effective.width), bottom: pick(0...effective.height),
            right: pick(0...effective.width)), dilation: dilation, groups: [1, 2, 4][pick(0...2)], bias: false)
      case 3 where room > 3:
        return x.maxPool(kernel: Extent2D(pick(2...3)), stride: Extent2D(pick(1...2)), padding: Padding2D(pick(0...1)))
      case 4 where room > 3:
        return x.averagePool(
          kernel: Extent2D(pick(2...3)), stride: Extent2D(pick(1...2)), padding: Padding2D(pick(0...1)))
      case 5 where max(height, width) < largest:
        return x.transposedConv(
          name(), 4, kernel: Extent2D(pick(1...4)), stride: Extent2D(pick(1...2)), outputPadding: 0,
          dilation: Extent2D(pick(1...2)), bias: false)
      case 6 where max(height, width) < largest:
        return x.resize(by: 2, [.nearest, .bilinear][pick(0...1)])
      case 7 where max(height, width) < largest:
        return x.pixelShuffle(2).conv(name(), 4, kernel: 1, bias: false)
      case 8 where height % 2 == 0 && width % 2 == 0 && room > 3:
        return x.pixelUnshuffle(2).conv(name(), 4, kernel: 1, bias: false)
      case 9:
        return x.pad(Padding2D(top: pick(0...2), left: pick(0...2), bottom: pick(0...2), right: pick(0...2)))
      case 10 where room > 4:
        return x.slice(axis: 1, from: pick(0...1), to: height - pick(0...1)).slice(axis: 2, from: 0, step: pick(1...2))
      default:
        guard depth < 2 else { return x.relu() }
        var other = x
        for _ in 0..<pick(1...2) { other = step(other, depth: depth + 1) }
        if isUniform, other.shape.height != height || other.shape.width != width { return x.relu() }
        // Brought to one size by the middle of the larger, or by resizing.
        if other.shape.height > height || other.shape.width > width || pick(0...1) == 0 {
          other = other.resize(to: Extent2D(height: height, width: width), .nearest)
        } else {
          other = other.pad(like: x)
        }
        return pick(0...1) == 0 ? x + other : x.concat(with: other).conv(name(), 4, kernel: 1, bias: false)
      }
    }
    return try Graph("random") { g in
      var y = g.input("x", [1, pick(extents), pick(extents), 4])
      for _ in 0..<pick(4...7) { y = step(y, depth: 0) }
      g.output("y", y)
    }
  }

  /// The input rows (or columns) that change each output row (or column), found by setting one of them to ones in an image of zeros.
  private func support(_ graph: Graph, along axis: Int) throws -> [[Int]] {
    let shape = graph[graph.inputs[0].value].spec.shape
    let extent = shape[axis]
    var parameters = Parameters()
    for info in graph.parameters { parameters[info.name] = Tensor(info.spec.shape, repeating: 1 as Float) }
    var x = [Float](repeating: 0, count: extent * shape.elementCount)
    for image in 0..<extent {
      for row in 0..<shape.height {
        for column in 0..<shape.width where (axis == 1 ? row : column) == image {
          let pixel = (image * shape.height + row) * shape.width + column
          for c in 0..<shape.channels { x[pixel * shape.channels + c] = 1 }
        }
      }
    }
    let model = try Model(
      graph, parameters: parameters, options: CompileOptions(optimizes: false, algorithmChoice: .named("im2col")))
    let y = try model(Tensor([extent, shape.height, shape.width, shape.channels], x))
    let values = y.elements(of: Float.self)
    var seen = Array(repeating: Set<Int>(), count: y.shape[axis])
    for (index, value) in values.enumerated() where value != 0 {
      let pixel = index / y.shape.channels
      let (column, row) = (pixel % y.shape.width, pixel / y.shape.width % y.shape.height)
      seen[axis == 1 ? row : column].insert(pixel / (y.shape.width * y.shape.height))
    }
    return seen.map { $0.sorted() }
  }

  @Test(arguments: 0..<40)
  func whatIsSeenIsWhatPerturbationChanges(_ seed: UInt64) throws {
    let graph = try randomGraph(seed)
    let seen = try #require(try ReceptiveFields(graph).seen(by: "y"))
    #expect(try support(graph, along: 1) == seen.rows)
    #expect(try support(graph, along: 2) == seen.columns)
  }

  /// Pixels whose fields do not reach the borders see at most the field that knows no borders, and some see all of it.
  @Test func fieldsWithoutBordersAreThoseOfTheMiddle() throws {
    var reached = 0
    for seed in 0..<40 as Range<UInt64> {
      let graph = try randomGraph(seed, extents: 70...90, isUniform: true)
      let fields = try ReceptiveFields(graph)
      let field = try #require(fields[output: "y"])
      let seen = try #require(fields.seen(by: "y"))
      let input = graph[graph.inputs[0].value].spec.shape
      for (axis, sets, extent) in [(field.height, seen.rows, input.height), (field.width, seen.columns, input.width)] {
        let sizes = sets.compactMap { set -> Int? in
          guard let first = set.first, let last = set.last, first > 0, last < extent - 1 else { return nil }
          return last - first + 1
        }
        guard let most = sizes.max() else { continue }
        #expect(most <= axis.size, "seed \(seed)")
        if most == axis.size { reached += 1 }
      }
    }
    // Not vacuous: many axes have a pixel that sees all of it.
    #expect(reached > 30)
  }
}
