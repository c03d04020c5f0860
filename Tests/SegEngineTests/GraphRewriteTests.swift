import TestSupport
import Testing

@testable import SegEngine

@Suite struct GraphRewriteTests {
  private func operations(_ model: CompiledModel) -> [String] {
    model.stepInfos.map { String($0.operation.prefix { $0 != " " }) }
  }

  private func compiled(
    _ graph: Graph, optimizes: Bool = true, on backend: any Backend = OpenBLASBackend(workers: WorkerPool(threads: 2))
  ) throws -> CompiledModel {
    try graph.compiled(
      parameters: Parameters(initializing: graph, seed: 5), on: backend, options: .init(optimizes: optimizes))
  }

  /// The same graph optimised and not, on the same input: what is compared is not what is optimised.
  private func results(_ graph: Graph, _ input: Tensor) throws -> (optimized: Tensor, plain: Tensor) {
    let name = graph.outputs[0].name
    return (
      try compiled(graph).run(["x": input])[name]!, try compiled(graph, optimizes: false).run(["x": input])[name]!
    )
  }

  private func graph(_ shape: Shape = [1, 6, 5, 4], _ body: (Value) -> Value) throws -> Graph {
    try Graph("pass") { graph in graph.output("y", body(graph.input("x", shape))) }
  }

  // MARK: Identities

  @Test func whatDoesNothingGoes() throws {
    let nothing = try graph { x in
      let a = x.conv("conv", 4, kernel: 3).dropout(rate: 0.1).pad(0).pad(like: x).crop(like: x)
      let b = [a.slice(axis: 1).slice(axis: 2, from: -100, to: 100)].concatenated().resize(like: x)
      return b.resize(by: 1, .nearest).tokens().featureMap(like: x).batchNorm("bn").dropout(rate: 0.1).relu()
    }
    #expect(operations(try compiled(nothing)) == ["Convolution"])
    let (optimized, plain) = try results(nothing, .random([1, 6, 5, 4]))
    #expect(mismatch(optimized, NaiveTensor(plain), Tolerance(absolute: 1e-5)) == nil)
  }

  /// What looks like nothing and is not stays.
  @Test func whatDoesSomethingStays() throws {
    for (name, expected, body) in [
      ("reversed", "Slice", { $0.slice(axis: 1, step: -1) }),
      ("moved", "Pad", { $0.pad([.init(axis: 1, before: 1, after: -1)]) }),
      // ⌊6 · 1.05⌋ = 6 and ⌊5 · 1.05⌋ = 5, but the pixels are others.
      ("scaled", "Resize", { $0.resize(by: 1.05) }),
      ("bicubic", "Resize", { $0.resize(like: $0, .bicubic) }),
      ("turned", "Transpose", { $0.transpose([0, 2, 1, 3]).transpose([0, 1, 3, 2]) }),
    ] as [(String, String, (Value) -> Value)] {
      let graph = try graph { body($0).sigmoid() }
      #expect(operations(try compiled(graph)) == [expected, "Elementwise"], "\(name)")
      let (optimized, plain) = try results(graph, .random([1, 6, 5, 4]))
      #expect(optimized == plain, "\(name)")
    }
  }

  @Test func transpositionsThatFollowEachOtherAreOne() throws {
    let cancelling = try graph { $0.sigmoid().transpose([0, 3, 1, 2]).transpose([0, 2, 3, 1]).silu() }
    #expect(operations(try compiled(cancelling)) == ["Elementwise", "Elementwise"])
    let three = try graph { x in
      x.sigmoid().transpose([0, 3, 1, 2]).transpose([0, 2, 1, 3]).dropout(rate: 0.1).transpose([3, 0, 1, 2])
    }
    #expect(operations(try compiled(three)) == ["Elementwise", "Transpose"])
    // The first is read by somebody else.
    let read = try Graph("read") { graph in
      let turned = graph.input("x", [1, 6, 5, 4]).transpose([0, 3, 1, 2])
      graph.output("y", turned.transpose([0, 2, 3, 1]).silu())
      graph.output("z", turned)
    }
    #expect(operations(try compiled(read)) == ["Transpose", "Elementwise"])
    for graph in [cancelling, three, read] {
      let (optimized, plain) = try results(graph, .random([1, 6, 5, 4]))
      #expect(optimized == plain)
    }
  }

  @Test func logitsAreComputedPlaneByPlane() throws {
    let head = try graph { $0.conv("head", 7, kernel: 1).relu().transpose([0, 3, 1, 2]) }
    #expect(operations(try compiled(head)) == ["PlanarConvolution"])
    let graphs = [
      head, try graph { $0.conv("head", 7, kernel: 3).transpose([0, 3, 1, 2]) },
      try graph { $0.conv("head", 7, kernel: 1, stride: 2).transpose([0, 3, 1, 2]) },
      try graph { $0.conv("head", 7, kernel: 1).transpose([0, 2, 1, 3]) },
      try graph { x in
        let logits = x.conv("head", 7, kernel: 1)
        return logits.transpose([0, 3, 1, 2]).reshape([1, 7, 6, 5]) + logits.reshape([1, 7, 6, 5])
      },
    ]
    for (index, graph) in graphs.enumerated() {
      if index > 0 { #expect(!operations(try compiled(graph)).contains("PlanarConvolution"), "\(index)") }
      let (optimized, plain) = try results(graph, .random([1, 6, 5, 4]))
      #expect(mismatch(optimized, NaiveTensor(plain), Tolerance(absolute: 1e-6)) == nil, "\(index)")
    }
  }

  /// The map has readers of its own here, or none; extents are even and odd, and every algorithm pools or is followed by the pooling.
  @Test func convolutionsPoolTheirOutput() throws {
    for (height, width, channels) in [(24, 40, 32), (25, 13, 48), (6, 5, 20)] {
      let x = Tensor.random([2, height, width, channels], in: -1...1, seed: 3)
      for isReadTwice in [false, true] {
        let graph = try graph(x.shape) { x in
          let map = x.conv("conv", channels, kernel: 3).relu()
          let pooled = map.maxPool(kernel: 2).sigmoid()
          return isReadTwice ? pooled * map.averagePool(kernel: 2) : pooled
        }
        let expected = try compiled(graph, optimizes: false, on: ReferenceBackend()).run(["x": x])["y"]!
        for (name, backend) in everyBackend() {
          for algorithm in ["direct", "im2col", "winograd 2×2", "winograd 3×3", "winograd 4×4", "winograd 6×6"] {
            let model = try graph.compiled(
              parameters: Parameters(initializing: graph, seed: 5), on: backend,
              options: .init(convolutionAlgorithm: algorithm))
            #expect(operations(model).first == "PoolingConvolution" && !operations(model).contains("MaxPool"))
            let problem = mismatch(
              try model.run(["x": x])["y"]!, NaiveTensor(expected), Tolerance(absolute: 1e-5, relative: 1e-5))
            #expect(problem == nil, "\(algorithm) \(name) \(height)×\(width)")
          }
        }
      }
    }
    // Windows that overlap, or whose places are asked for, stay.
    for body in [
      { $0.conv("c", 4, kernel: 3).maxPool(kernel: 3, stride: 2, padding: 1) },
      { $0.conv("c", 4, kernel: 3).maxPool(kernel: 2, roundingUp: true) },
      { $0.conv("c", 4, kernel: 3).maxPoolWithIndices(kernel: 2).values },
      { $0.sigmoid().maxPool(kernel: 2) },
    ] as [(Value) -> Value] {
      #expect(operations(try compiled(graph { body($0) })).last == "MaxPool")
    }
  }

  /// An axis of extent 1 may go anywhere without a move.
  @Test func movingAnAxisOfExtentOneMovesNothing() throws {
    let graph = try graph([1, 1, 5, 4]) { $0.sigmoid().transpose([1, 2, 0, 3]).silu() }
    #expect(operations(try compiled(graph)) == ["Elementwise", "Elementwise"])
    let (optimized, plain) = try results(graph, .random([1, 1, 5, 4]))
    #expect(optimized == plain)
  }

  /// A node that does nothing for one size and something for another decides whether weights are folded: compilations of one model
  /// for both sizes do not take each other's.
  @Test func weightsFoldedForOneSizeServeThatSize() throws {
    let graph = try Graph("sizes") { graph in
      let (x, like) = (graph.input("x", [1, 6, 6, 3]), graph.input("like", [1, 6, 6, 1]))
      graph.output("y", x.conv("conv", 4, kernel: 3).pad(like: like).batchNorm("bn"))
    }
    var parameters = Parameters(initializing: graph, seed: 5)
    parameters["bn.bias"] = Tensor([4], [1, 2, 3, 4] as [Float])
    parameters["bn.weight"] = Tensor([4], [3, -2, 1, 5] as [Float])
    let plain = try Model(graph, parameters: parameters, options: .init(optimizes: false))
    for order in [[6, 8], [8, 6]] {
      let model = try Model(graph, parameters: parameters)
      for size in order {
        let inputs = ["x": Tensor.random([1, 6, 6, 3]), "like": .random([1, size, size, 1])]
        let (actual, expected) = (try model.run(inputs)["y"]!, try plain.run(inputs)["y"]!)
        #expect(mismatch(actual, NaiveTensor(expected), Tolerance(absolute: 1e-4)) == nil, "\(size) of \(order)")
      }
    }
  }

  // MARK: Padding

  @Test func zerosBecomeThePaddingOfWhatReadsThem() throws {
    try withEvery("border", in: [Padding2D(1), Padding2D(top: 2, left: 0, bottom: 1, right: 3)]) { border in
      for (name, body) in [
        ("3×3", { $0.conv("c", 5, kernel: 3, padding: 0) }),
        ("strided", { $0.conv("c", 5, kernel: 3, stride: 2, padding: 1) }),
        ("atrous", { $0.conv("c", 5, kernel: 3, padding: 0, dilation: 2) }),
        (
          "grouped", { $0.conv("c", 6, kernel: 3, padding: Padding2D(top: 0, left: 1, bottom: 2, right: 0), groups: 2) }
        ),
        ("depthwise", { $0.conv("c", 4, kernel: 3, padding: 0, groups: 4) }),
        ("1×1", { $0.conv("c", 5, kernel: 1) }),
        ("average", { $0.averagePool(kernel: 3, stride: 2, padding: 1) }),
        ("average of all", { $0.averagePool(kernel: 3, stride: 1, countingPadding: false) }),
      ] as [(String, (Value) -> Value)] {
        let graph = try graph([2, 7, 6, 4]) { body($0.pad(border)) }
        #expect(operations(try compiled(graph)).count == 1, "\(name) \(Trace.description)")
        let (optimized, plain) = try results(graph, .random([2, 7, 6, 4]))
        // Sums in another order: some dozens of terms of size 1.
        #expect(
          mismatch(optimized, NaiveTensor(plain), Tolerance(absolute: 1e-5)) == nil, "\(name) \(Trace.description)")
      }
    }
  }

  @Test func whatIsNoPaddingOfTheReaderStays() throws {
    for (name, body) in [
      ("maximum", { $0.pad(1).maxPool(kernel: 3) }),
      ("one", { $0.pad(1, mode: .constant(1)).conv("c", 5, kernel: 3, padding: 0) }),
      ("mirrored", { $0.pad(1, mode: .reflect).conv("c", 5, kernel: 3, padding: 0) }),
      ("cropped", { $0.pad(-1).conv("c", 5, kernel: 3, padding: 1) }),
      ("channels", { $0.pad([.init(axis: 3, before: 1, after: 1)]).conv("c", 5, kernel: 3) }),
      ("rounded up", { $0.pad(1).averagePool(kernel: 3, stride: 2, roundingUp: true) }),
      ("without padding", { $0.pad(1).averagePool(kernel: 3, stride: 2, padding: 1, countingPadding: false) }),
      (
        "read otherwise",
        { x in
          let padded = x.pad(1)
          return padded.conv("c", 4, kernel: 3) + padded
        }
      ),
    ] as [(String, (Value) -> Value)] {
      let graph = try graph { body($0) }
      #expect(operations(try compiled(graph)).contains("Pad"), "\(name)")
      let (optimized, plain) = try results(graph, .random([1, 6, 5, 4], in: -2 ... -1))
      #expect(mismatch(optimized, NaiveTensor(plain), Tolerance(absolute: 1e-5)) == nil, "\(name)")
    }
  }

  @Test func aPaddingThatTwoReadersTakeIsNeverWritten() throws {
    let graph = try graph { x in
      let padded = x.pad(1).pad(Padding2D(top: 1, left: 0, bottom: 0, right: 1))
      return padded.conv("a", 4, kernel: 3, padding: 0) + padded.averagePool(kernel: 3, stride: 1)
    }
    #expect(!operations(try compiled(graph)).contains("Pad"))
    let (optimized, plain) = try results(graph, .random([1, 6, 5, 4]))
    #expect(mismatch(optimized, NaiveTensor(plain), Tolerance(absolute: 1e-5)) == nil)
  }

  // MARK: Resized logits

  private let targets: [(name: String, resize: (Value, Resize.Interpolation, Resize.Coordinates) -> Value)] = [
    ("larger", { $0.resize(to: Extent2D(height: 23, width: 70), $1, coordinates: $2) }),
    ("smaller", { $0.resize(to: Extent2D(height: 4, width: 3), $1, coordinates: $2) }),
    ("like", { $0.resize(like: $0.pad(3), $1, coordinates: $2) }),
    ("factor", { $0.resize(by: 2.3, $1, coordinates: $2) }),
  ]

  /// Each way to resize, with the same labels to the last one.
  @Test(arguments: [ElementType.int64, .int32, .uint16], [false, true])
  func classesOfResizedLogits(elementType: ElementType, keepsAxis: Bool) throws {
    let input = Tensor.random([2, 6, 7, 21], seed: 3)
    for (name, resize) in targets {
      try withEvery("interpolation", in: Resize.Interpolation.allCases) { interpolation in
        try withEvery("coordinates", in: Resize.Coordinates.allCases) { coordinates in
          let graph = try graph([2, 6, 7, 21]) {
            resize($0, interpolation, coordinates).argmax(keepingAxis: keepsAxis, elementType: elementType)
          }
          let operations = operations(try compiled(graph))
          #expect(operations.last == "ResizeArgMax" && !operations.contains("Resize"), "\(name) \(Trace.description)")
          let (optimized, plain) = try results(graph, input)
          #expect(optimized == plain, "\(name) \(Trace.description)")
        }
      }
    }
  }

  /// Each way to resize, of narrow maps and of wide ones, with the same pixels above the bound to the last one.
  @Test(arguments: [1, 3, 9]) func thresholdsOfResizedMaps(channels: Int) throws {
    let input = Tensor.random([2, 6, 7, channels], seed: 3)
    for (name, resize) in targets {
      try withEvery("interpolation", in: Resize.Interpolation.allCases) { interpolation in
        try withEvery("coordinates", in: Resize.Coordinates.allCases) { coordinates in
          let graph = try graph([2, 6, 7, channels]) { x in
            let bound = x.reduce(.maximum, axes: []) * 0.3
            return resize(x, interpolation, coordinates).threshold(at: bound, elementType: .uint16)
          }
          let operations = operations(try compiled(graph))
          #expect(
            operations.contains("ResizeThreshold") && !operations.contains("Resize"), "\(name) \(Trace.description)")
          let (optimized, plain) = try results(graph, input)
          #expect(optimized == plain, "\(name) \(Trace.description)")
          let above = optimized.elements(of: UInt16.self).reduce(0) { $0 + Int($1) }
          #expect(above > 0 && above < optimized.count)
        }
      }
    }
  }

  /// The resized logits, of which there would be 2 · 21 · 1024 · 512 numbers, do not fit in what is asked for.
  @Test func resizedLogitsNeverExist() throws {
    let graph = try graph([2, 16, 32, 21]) {
      $0.resize(to: Extent2D(height: 512, width: 1024)).softmax().argmax(elementType: .int32)
    }
    let model = try compiled(graph)
    #expect(operations(model) == ["ResizeArgMax"])
    #expect(model.arenaByteCount < 1 << 20)
    let (optimized, plain) = try results(graph, .random([2, 16, 32, 21]))
    #expect(optimized == plain)
  }

  @Test func whatElseReadsLogitsKeepsThem() throws {
    let graph = try Graph("read") { graph in
      let logits = graph.input("x", [1, 6, 5, 4]).resize(to: 20)
      graph.output("labels", logits.argmax())
      graph.output("logits", logits)
      graph.output("rows", logits.resize(to: 9).argmax(axis: 1))
    }
    #expect(operations(try compiled(graph)).sorted() == ["ArgMax", "ArgMax", "Resize", "Resize"])
    let (optimized, plain) = try results(graph, .random([1, 6, 5, 4]))
    #expect(optimized == plain)
  }

  @Test func classesOfProbabilitiesAreThoseOfLogits() throws {
    let input = Tensor.random([1, 6, 5, 4], in: -5...5, seed: 8)
    for (name, body) in [
      ("softmax", { $0.softmax().argmax() }), ("logarithm", { $0.logSoftmax(axis: 3).argmax() }),
      ("twice", { $0.softmax().softmax().argmax() }), ("along the height", { $0.softmax(axis: 1).argmax(axis: -3) }),
    ] as [(String, (Value) -> Value)] {
      let graph = try graph { body($0) }
      #expect(operations(try compiled(graph)) == ["ArgMax"], "\(name)")
      let (optimized, plain) = try results(graph, input)
      #expect(optimized == plain, "\(name)")
    }
    // Along another axis a softmax does change which is the largest.
    let other = try graph { $0.softmax(axis: 1).argmax() }
    #expect(operations(try compiled(other)) == ["Softmax", "ArgMax"])
    let (optimized, plain) = try results(other, input)
    #expect(optimized == plain)
    // Probabilities that somebody reads are made.
    let read = try Graph("read") { graph in
      let probabilities = graph.input("x", [1, 6, 5, 4]).softmax()
      graph.output("labels", probabilities.argmax())
      graph.output("probabilities", probabilities)
    }
    #expect(operations(try compiled(read)) == ["Softmax", "ArgMax"])
  }

  // MARK: Sums with resized maps

  @Test func aSumWithAResizedMapIsOneStep() throws {
    let input = Tensor.random([2, 6, 7, 9], seed: 3)
    for (name, resize) in targets {
      try withEvery("interpolation", in: Resize.Interpolation.allCases) { interpolation in
        for (order, sum) in [("first", { $0 + $1 }), ("last", { $1 + $0 }), ("relu", { ($1 + $0).relu() })]
          as [(String, (Value, Value) -> Value)]
        {
          let graph = try graph([2, 6, 7, 9]) { x in
            let resized = resize(x, interpolation, .halfPixel)
            // The addend dies here, and may be overwritten.
            let addend = x.adaptiveMaxPool(to: Extent2D(height: resized.shape.height, width: resized.shape.width))
            return sum(resized, addend).sigmoid()
          }
          let steps = operations(try compiled(graph))
          #expect(steps.contains("ResizeSum") && !steps.contains("Binary"), "\(order) \(name) \(Trace.description)")
          let (optimized, plain) = try results(graph, input)
          #expect(optimized == plain, "\(order) \(name) \(Trace.description)")
        }
      }
    }
  }

  @Test func sumsThatBroadcastAndOtherOperationsStay() throws {
    for (name, body) in [
      ("broadcast", { $0.resize(to: 9) + $0.globalAveragePool() }),
      ("product", { $0.resize(to: 6) * $0.resize(to: 6) }),
      ("narrow", { $0.resize(to: 12) + $0.conv("c", 4, kernel: 1).resize(to: 12) }),
      (
        "read twice",
        { x in
          let resized = x.resize(to: 6)
          return resized + resized
        }
      ),
    ] as [(String, (Value) -> Value)] {
      let graph = try graph { body($0) }
      #expect(operations(try compiled(graph)).contains("Resize"), "\(name)")
      let (optimized, plain) = try results(graph, .random([1, 6, 5, 4]))
      #expect(optimized == plain, "\(name)")
    }
  }

  /// Rows apart, guarded memory, on every backend: as the two operators one after the other.
  @Test func fusedResizesKeepToTheirMemory() throws {
    let (x, addend) = (Tensor.random([2, 5, 6, 11], seed: 1), Tensor.random([2, 9, 40, 11], seed: 2))
    let resize = Resize(.bilinear, to: .size(Extent2D(height: 9, width: 40)))
    for (name, backend) in everyBackend() {
      let plain = OperatorRunner(backend)
      let resized = try plain.run(resize, [x])[0]
      let sum = try plain.run(Binary(.add, function: .relu), [addend, resized])[0]
      for isStrided in [false, true] {
        let runner = OperatorRunner(backend, isStrided: isStrided)
        #expect(
          try runner.run(ResizeSum(resize: resize, function: .relu), [x, addend])[0] == sum, "\(name) \(isStrided)")
        let overwriting = OperatorRunner(backend, isStrided: isStrided, overwriting: 1)
        #expect(
          try overwriting.run(ResizeSum(resize: resize, function: .relu), [x, addend])[0] == sum, "\(name) \(isStrided)"
        )
        for keepsAxis in [false, true] {
          let argMax = ArgMax(keepsAxis: keepsAxis)
          #expect(
            try runner.run(ResizeArgMax(resize: resize, argMax: argMax), [x]) == plain.run(argMax, [resized]),
            "\(name) \(isStrided)")
        }
      }
      // Two rows a worker at a time, from rows kept beside the one that is made.
      let (narrow, bound) = (Tensor.random([2, 5, 6, 1], seed: 4), Tensor(scalar: Float(0.1)))
      let above = try plain.run(Threshold(), [plain.run(resize, [narrow])[0], bound])
      let fused = ResizeThreshold(resize: resize, threshold: Threshold())
      #expect(try plain.run(fused, [narrow, bound]) == above, "\(name)")
    }
  }
}
