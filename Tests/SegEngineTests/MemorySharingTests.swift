import TestSupport
import Testing

@testable import SegEngine

@Suite struct MemorySharingTests {
  private func operations(_ model: CompiledModel) -> [String] {
    model.stepInfos.map { String($0.operation.prefix { $0 != " " }) }
  }

  /// The results of the graph as it is optimised equal those of each operator as it was written, bit by bit.
  private func expectSameBits(_ graph: Graph, _ inputs: [String: Tensor], _ label: String) throws {
    let parameters = Parameters(initializing: graph, seed: 5)
    let pool = WorkerPool(threads: 2)
    for backend in [OpenBLASBackend(workers: pool), ReferenceBackend(workers: pool)] as [any Backend] {
      let plain = try graph.compiled(parameters: parameters, on: backend, options: .init(optimizes: false)).run(inputs)
      let shared = try graph.compiled(parameters: parameters, on: backend).run(inputs)
      for (name, tensor) in plain { #expect(shared[name] == tensor, "\(name) of \(label) on \(backend.name)") }
    }
  }

  private func arena(_ shape: Shape) -> Int { (TensorSpec(shape).byteCount + 63) / 64 * 64 }

  /// The parts lie in the whole: nothing but the whole is in the arena.
  @Test func partsOfAConcatenationAreComputedInPlace() throws {
    let graph = try Graph("parts") { graph in
      let x = graph.input("x", [2, 7, 5, 3])
      let parts = [
        x.maxPool(kernel: 3, stride: 1, padding: 1), x.averagePool(kernel: 3, stride: 1, padding: 1), x.gelu(),
      ]
      graph.output("y", parts.concatenated().maxPool(kernel: 2))
    }
    let model = try graph.compiled()
    #expect(operations(model) == ["MaxPool", "AveragePool", "Elementwise", "MaxPool"])
    #expect(model.arenaByteCount == arena([2, 7, 5, 9]))
    try expectSameBits(graph, ["x": .random([2, 7, 5, 3])], "parts")
  }

  /// The decoder of a U-Net reads the encoder's map where the encoder wrote it.
  @Test func skipConnectionsAreNotCopied() throws {
    let graph = try Graph("skips") { graph in
      func block(_ x: Value, _ name: String, _ width: Int) -> Value {
        x.conv(name + "a", width, kernel: 3).relu().conv(name + "b", width, kernel: 3).relu()
      }
      let first = block(graph.input("x", [1, 16, 12, 3]), "down1", 8)
      let second = block(first.maxPool(kernel: 2), "down2", 16)
      let third = block(second.maxPool(kernel: 2), "down3", 32)
      // With functions behind them, so that they are not composed with the convolutions that read them.
      let up2 = third.transposedConv("up2", 16, kernel: 2, stride: 2).relu().pad(like: second)
      let up1 = block(second.concat(with: up2), "merge2", 16).transposedConv("up1", 8, kernel: 2, stride: 2).relu()
      graph.output("y", block(first.concat(with: up1.pad(like: first)), "merge1", 8).conv("head", 2, kernel: 1))
    }
    let parameters = Parameters(initializing: graph, seed: 5)
    #expect(!operations(try graph.compiled(parameters: parameters)).contains("Concat"))
    try expectSameBits(graph, ["x": .random([1, 16, 12, 3])], "skips")
    // An odd size pads the decoder's maps; they are padded into their place.
    let odd = try graph.compiled(for: ["x": [1, 15, 13, 3]], parameters: parameters)
    #expect(!operations(odd).contains("Concat"))
    #expect(operations(odd).filter { $0 == "PadLike" }.count == 2)
    let plain = try graph.compiled(
      for: ["x": [1, 15, 13, 3]], parameters: parameters, options: .init(optimizes: false))
    let input = Tensor.random([1, 15, 13, 3], seed: 2)
    #expect(try odd.run(["x": input]) == plain.run(["x": input]))
  }

  /// Each layer of a dense block reads everything before it: all of it lies in one piece.
  @Test func aDenseBlockIsOneBuffer() throws {
    let graph = try Graph("dense") { graph in
      let x = graph.input("x", [1, 6, 5, 4])
      var maps = [x.sigmoid()]
      for layer in 0..<4 {
        maps.append((layer == 0 ? maps[0] : maps.concatenated()).maxPool(kernel: 3, stride: 1, padding: 1))
      }
      graph.output("y", maps.concatenated().averagePool(kernel: 2))
    }
    let model = try graph.compiled()
    #expect(!operations(model).contains("Concat"))
    // 4 channels, pooled: 4, 8, 16, 32.
    #expect(model.arenaByteCount == arena([1, 6, 5, 64]))
    try expectSameBits(graph, ["x": .random([1, 6, 5, 4])], "dense")
  }

  /// What is written for an output lies in the caller's memory, its parts too.
  @Test func partsOfAnOutputLieInTheCallersMemory() throws {
    let graph = try Graph("output") { graph in
      let x = graph.input("x", [1, 6, 5, 4])
      let inner = x.sigmoid().concat(with: x.relu())
      graph.output("y", inner.concat(with: x.silu()).tokens())
    }
    let model = try graph.compiled()
    #expect(operations(model) == ["Elementwise", "Elementwise", "Elementwise"])
    #expect(model.arenaByteCount == 0)
    try expectSameBits(graph, ["x": .random([1, 6, 5, 4])], "output")
  }

  /// Inputs, constants, outputs, and a value that stands in another whole or twice in this one are copied; the rest is not.
  @Test func whatCannotLieInPlaceIsCopied() throws {
    let constant = Tensor.random([1, 6, 5, 2], seed: 9)
    let graph = try Graph("copies") { graph in
      let x = graph.input("x", [1, 6, 5, 4])
      let (a, b, c) = (x.sigmoid(), x.relu(), x.silu())
      graph.output("c", c)
      let first = [x, a, graph.constant(constant), b].concatenated()
      let second = [a, c, a].concatenated()
      graph.output("first", first.maxPool(kernel: 2))
      graph.output("second", second.maxPool(kernel: 2))
    }
    #expect(operations(try graph.compiled()).filter { $0 == "Concat" }.count == 2)
    try expectSameBits(graph, ["x": .random([1, 6, 5, 4])], "copies")
  }

  /// A reader that takes no row strides keeps its operand in one run, and so does one that sees it in other rows.
  @Test func readersThatTakeNoRowStridesAreRespected() throws {
    #expect(!ArgMax().takesRowStrides)
    for (name, reader) in [
      ("row strides", { $0.argmax(axis: 1) }), ("other rows", { $0.reshape([0, -1, 20]).maximum(0.25) }),
    ] as [(String, (Value) -> Value)] {
      let graph = try Graph("reader") { graph in
        let x = graph.input("x", [1, 6, 5, 4])
        let (a, b) = (x.sigmoid(), x.relu())
        graph.output("y", a.concat(with: b).maxPool(kernel: 2))
        graph.output("read", reader(a))
      }
      #expect(operations(try graph.compiled()).contains("Concat"), "\(name)")
      try expectSameBits(graph, ["x": .random([1, 6, 5, 4])], name)
    }
  }

  /// Maps one above the other are runs of one image, whoever reads them.
  @Test func partsAlongTheHeightOfOneImageLieInPlace() throws {
    for batch in [1, 2] {
      let graph = try Graph("height") { graph in
        let x = graph.input("x", [batch, 4, 5, 3])
        let tall = x.sigmoid().concat(with: x.relu(), axis: 1)
        graph.output("y", tall.concat(with: tall.silu()).maxPool(kernel: 2))
      }
      let isCopied = operations(try graph.compiled()).contains("Concat")
      #expect(isCopied == (batch == 2))
      try expectSameBits(graph, ["x": .random([batch, 4, 5, 3])], "height, batch \(batch)")
    }
  }

  /// The parts of a split are read where they are, and keep what they lie in alive.
  @Test func partsOfASplitAreNotCopied() throws {
    let graph = try Graph("split") { graph in
      let x = graph.input("x", [1, 6, 5, 8])
      let parts = x.conv("conv", 8, kernel: 1).split(sizes: [2, 3, 3])
      let both = parts[1] * parts[2]
      let tail = parts[0].concat(with: both.slice(axis: -1, from: 1))
      graph.output("y", tail.maxPool(kernel: 2))
      graph.output("z", x.slice(axis: 3, from: 2, to: 5).maxPool(kernel: 2))
    }
    let parameters = Parameters(initializing: graph, seed: 5)
    let steps = operations(try graph.compiled(parameters: parameters))
    #expect(!steps.contains("Split"))
    #expect(!steps.contains("Slice"))
    try expectSameBits(graph, ["x": .random([1, 6, 5, 8])], "split")
  }

  /// Maps of several sizes, skips, branches, wholes within wholes, parts read before and after, operators that overwrite.
  private func randomGraph(_ seed: Int) throws -> Graph {
    var generator = SeededGenerator(seed: UInt64(seed))
    let batch = Int.random(in: 1...2, using: &generator)
    return try Graph("random") { graph in
      var maps = [graph.input("x", [batch, 8, 6, 4])]
      maps.append(maps[0].conv("stem", 6, kernel: 3).relu())
      maps.append(graph.constant(.random([batch, 8, 6, 3], seed: UInt64(seed))))
      for index in 0..<Int.random(in: 6...24, using: &generator) {
        // Late values more often than early ones.
        func pick(_ values: [Value]) -> Value {
          values[
            max(
              Int.random(in: 0..<values.count, using: &generator), Int.random(in: 0..<values.count, using: &generator))]
        }
        let x = pick(maps)
        let (height, width, channels) = (x.shape.height, x.shape.width, x.channels)
        let sameSize = maps.filter { $0.shape.height == height && $0.shape.width == width }
        let sameShape = sameSize.filter { $0.shape == x.shape }
        let sameRows = maps.filter { $0.shape.width == width && $0.channels == channels }
        switch Int.random(in: 0..<19, using: &generator) {
        case 0: maps.append(x.conv("conv\(index)", Int.random(in: 1...9, using: &generator), kernel: 3).relu())
        case 1: maps.append(x.conv("depthwise\(index)", channels, kernel: 3, groups: channels).relu())
        case 2...5 where channels < 40:
          maps.append(
            (0..<Int.random(in: 1...3, using: &generator)).map { _ in pick(sameSize) }.reduce([x], { $0 + [$1] })
              .concatenated())
        case 6 where height < 30: maps.append(x.concat(with: pick(sameRows), axis: 1))
        case 7 where height > 1 && width > 1: maps.append(x.maxPool(kernel: 2))
        case 8: maps.append(x.averagePool(kernel: 3, stride: 1, padding: 1))
        case 9: maps.append(x.resize(like: pick(maps)))
        case 10: maps.append(x + pick(sameShape))
        case 11: maps.append(x.sigmoid())
        case 12 where channels % 2 == 0: maps += x.split(into: 2)
        case 13 where channels > 2: maps.append(x.slice(axis: -1, from: 1, to: -1))
        case 14: maps.append(x.dropout(rate: 0.1).tokens().featureMap(like: x))
        case 15: maps.append(x.softmax())
        case 16: maps.append(x.reshape([0, -1, width * channels]).gelu().reshape([0, height, width, channels]))
        case 17: maps.append(x.resize(like: pick(maps)) + pick(maps).globalAveragePool().reduce(.mean, axes: [3]))
        default: maps.append(x.transpose([0, 2, 1, 3]).transpose([0, 2, 1, 3]).relu())
        }
      }
      for index in 0..<3 { graph.output("out\(index)", maps.randomElement(using: &generator)!) }
      graph.output("last", maps[maps.count - 1])
    }
  }

  @Test(arguments: 0..<150)
  func randomGraphsGiveTheSameBits(seed: Int) throws {
    let graph = try randomGraph(seed)
    try expectSameBits(graph, ["x": .random([graph.inputs.first!.shape(in: graph).batch, 8, 6, 4])], "graph \(seed)")
  }

  /// The random graphs test something: most of their concatenations copy nothing.
  @Test func mostConcatenationsOfTheRandomGraphsLieInPlace() throws {
    var (before, after) = (0, 0)
    for seed in 0..<150 {
      let graph = try randomGraph(seed)
      let parameters = Parameters(initializing: graph, seed: 5)
      let pruned = graph.nodes.count
      #expect(pruned > 0)
      before +=
        operations(try graph.compiled(parameters: parameters, options: .init(optimizes: false))).filter {
          $0 == "Concat"
        }.count
      after += operations(try graph.compiled(parameters: parameters)).filter { $0 == "Concat" }.count
    }
    #expect(before > 300)
    #expect(2 * after < before)
  }
}

extension Graph.Port {
  fileprivate func shape(in graph: Graph) -> Shape { graph[value].spec.shape }
}
