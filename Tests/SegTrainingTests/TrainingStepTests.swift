import SegIO
import SegModels
import TestSupport
import Testing

@testable import SegEngine
@testable import SegTraining

/// Training steps as one compiled graph.
@Suite struct TrainingStepTests {
  /// The network of `Tests/Fixtures/training/make_training.py`.
  private static func network() throws -> Graph {
    try Graph("network") { builder in
      let x = builder.input("image", [1, 8, 10, 3])
      let first = x.conv("conv", 8, kernel: 3, bias: false).batchNorm("bn").relu()
      let second = first.conv("down", 6, kernel: 3, stride: 2, padding: 1, bias: false)
        .batchNorm("bn2").map(.hardSwish)
      builder.output("logits", second.conv("head", 4, kernel: 1).resize(by: 2))
    }
  }

  private struct Case {
    let name: String
    let settings: FixtureCase
    let images, targets: [Tensor]
    let start: Parameters
    /// What PyTorch has after ten steps, by the names of checkpoints.
    let end: [String: Tensor]

    var options: TrainingOptions {
      TrainingOptions(
        batchNorm: settings.flag("frozen") ? .frozen : .batchStatistics(momentum: 0.1),
        clipping: settings.has("clipping") ? settings.number("clipping") : nil,
        averaging: settings.has("averaging") ? settings.number("averaging") : nil)
    }

    var optimizer: Optimizer {
      settings.text("method") == "sgd"
        ? .sgd(
          momentum: settings.number("momentum"), nesterov: settings.flag("nesterov"), decay: settings.number("decay"))
        : .adamW(
          beta1: settings.number("beta1"), beta2: settings.number("beta2"), epsilon: settings.number("epsilon"),
          decay: settings.number("decay"))
    }

    func step(on backend: any Backend = OpenBLASBackend()) throws -> TrainingStep {
      try network().training(
        loss: CrossEntropyLoss(), optimizer: optimizer, batch: 2, options: options, on: backend)
    }

    /// Runs steps and returns the losses.
    func run(_ step: TrainingStep, _ state: inout TrainingState, steps: Range<Int> = 0..<10) throws -> [Double] {
      try steps.map {
        try step.run(images[$0], targets[$0], &state, rate: settings.number("rate")).loss
      }
    }
  }

  private static func cases() throws -> [Case] {
    let file = try Safetensors(contentsOf: Fixtures.url("training/network.safetensors").path)
    func parts<Element: TensorElement>(_ name: String, _ type: Element.Type, _ make: (Shape, [Element]) -> Tensor)
      -> [Tensor]
    {
      let tensor = file.tensors[name]!
      let shape = Shape(Array(tensor.shape.dimensions.dropFirst()))
      let elements = tensor.elements(of: Element.self)
      return (0..<tensor.shape[0]).map {
        make(shape, Array(elements[$0 * shape.elementCount..<($0 + 1) * shape.elementCount]))
      }
    }
    func named(_ prefix: String) -> [String: Tensor] {
      let own = file.tensors.filter { $0.key.hasPrefix(prefix + ":") }
      return Dictionary(uniqueKeysWithValues: own.map { (String($0.key.dropFirst(prefix.count + 1)), $0.value) })
    }
    return try FixtureCase.all(tensors: [:], metadata: file.metadata).map {
      Case(
        name: $0.name, settings: $0, images: parts("data.images", Float.self) { Tensor($0, $1) },
        targets: parts("data.targets", Int32.self) { Tensor($0, $1.map { UInt16($0) }) },
        start: Parameters(named("start")), end: named($0.name))
    }
  }

  /// Losses, weights, running statistics and averages after ten steps in float64. Errors grow from step to step.
  @Test func tenStepsArePyTorchs() throws {
    let cases = try Self.cases()
    #expect(cases.map(\.name).sorted() == ["adamW", "frozen", "sgd", "sgd_clipped"])
    for test in cases {
      for (name, backend) in everyBackend() {
        let step = try test.step(on: backend)
        var state = try TrainingState(step, weights: test.start)
        let losses = try test.run(step, &state)
        for (loss, expected) in zip(losses, test.end["losses"]!.elements(of: Float.self)) {
          #expect(abs(loss - Double(expected)) <= 2e-5 * Double(expected), "\(test.name) [\(name)]")
        }
        #expect(state.steps == 10)
        let parameters = state.parameters
        #expect(parameters.tensors.count == 12)
        for (key, expected) in test.end where key != "losses" {
          let isAverage = key.hasPrefix("average/")
          let actual = isAverage ? state.averagedParameters?[String(key.dropFirst(8))] : parameters[key]
          let wanted = NaiveTensor(expected)
          let largest = wanted.values.reduce(0) { max($0, abs($1)) }
          // AdamW divides by the root of small squares: its first steps have the gradient's sign at full size.
          let problem = mismatch(
            try #require(actual), wanted, Tolerance(absolute: (test.name == "adamW" ? 1e-4 : 2e-5) * largest))
          #expect(problem == nil, "\(test.name) \(key) [\(name)]")
        }
        #expect((state.averagedParameters != nil) == test.settings.has("averaging"))
      }
    }
  }

  /// The same bits twice, for every number of threads, and when a state continues from its variables.
  @Test func bitsAreTheSame() throws {
    for test in try Self.cases() {
      let step = try test.step(on: OpenBLASBackend(workers: WorkerPool(threads: 1)))
      var first = try TrainingState(step, weights: test.start)
      let losses = try test.run(step, &first)
      for threads in [1, 2, 3] {
        let own = try test.step(on: OpenBLASBackend(workers: WorkerPool(threads: threads)))
        var state = try TrainingState(own, weights: test.start)
        #expect(try test.run(own, &state) == losses, "\(test.name), \(threads) threads")
        #expect(state.variables.tensors == first.variables.tensors, "\(test.name), \(threads) threads")
      }
      var begun = try TrainingState(step, weights: test.start)
      let before = try test.run(step, &begun, steps: 0..<4)
      let saved = begun.variables
      #expect(saved["steps"] == Tensor([1], [Float(4)]))
      var continued = try TrainingState(step, continuing: saved)
      #expect(continued.steps == 4)
      let after = try test.run(step, &continued, steps: 4..<10)
      #expect(before + after == losses, "\(test.name)")
      #expect(continued.variables.tensors == first.variables.tensors, "\(test.name)")
      // A copy is a checkpoint: the state that was copied has not changed.
      #expect(begun.variables.tensors == saved.tensors && begun.steps == 4)
    }
  }

  /// A network of every kind of block.
  private static func blocks() throws -> Graph {
    try Graph("blocks") { builder in
      let x = builder.input("image", [1, 48, 40, 3])
      let stem = x.conv("stem", 24, kernel: 3, stride: 2, padding: 1, bias: false).batchNorm("bn").relu()
      let pooled = stem.maxPool(kernel: 3, stride: 2, padding: 1)
      let deep = pooled.conv("deep", 24, kernel: 3, groups: 24, bias: false).batchNorm("bn2").map(.silu)
      let gate = deep.globalAveragePool().conv("gate", 24, kernel: 1).map(.hardSigmoid(slope: 1 / 6, offset: 0.5))
      let tokens = (deep * gate).tokens().layerNorm("norm")
      let attended = tokens.linear("q", 24).attention(keys: tokens.linear("k", 24), values: tokens, heads: 3)
      let map = (tokens + attended).featureMap(like: deep).groupNorm("group", groups: 4)
      let up = map.transposedConv("up", 16, kernel: 2, stride: 2).map(.gelu)
      let joined = [up, stem].concatenated().conv("joined", 32, kernel: 3, bias: false).batchNorm("bn3").relu()
      builder.output("logits", joined.dropout(rate: 0.1).conv("head", 5, kernel: 1).resize(like: x))
    }
  }

  /// The same bits for 1, 2 and 3 threads, and where maps are computed again for the backward pass.
  @Test func bitsOfALargerNetworkDoNotDependOnThreadsOrMemory() throws {
    let graph = try Self.blocks()
    let images = Tensor.random([3, 48, 40, 3], seed: 3)
    let targets = Tensor(labels: (0..<3).map { LabelMap.random(width: 40, height: 48, classes: 5, seed: $0) })
    var results: [[String: Tensor]] = []
    var bytes: [Int] = []
    for (threads, memory) in [
      (1, .unlimited), (2, .unlimited), (3, .unlimited), (2, .budget(1)), (3, .budget(1_000_000)),
    ] as [(Int, TrainingMemory)] {
      let step = try graph.training(
        loss: CrossEntropyLoss(), optimizer: .adamW(), batch: 3, memory: memory,
        options: TrainingOptions(clipping: 1),
        on: OpenBLASBackend(workers: WorkerPool(threads: threads)))
      var state = TrainingState(initializing: step, seed: 4)
      let losses = try (0..<3).map { _ in try step.run(images, targets, &state, rate: 1e-2).loss }
      #expect(losses[2] < losses[0])
      results.append(state.variables.tensors)
      bytes.append(step.model.arenaByteCount)
    }
    #expect(bytes[3] < bytes[1])
    for other in results.dropFirst() {
      let different = other.keys.filter { other[$0] != results[0][$0] }.sorted()
      #expect(different.isEmpty, "\(different)")
    }
  }

  /// Dropout in training: random numbers follow from the seed and the step, and continue with the state. Without it, losses are others.
  @Test func dropoutFollowsFromTheSeed() throws {
    let graph = try Graph("dropout") { builder in
      let x = builder.input("image", [1, 6, 5, 3])
      let map = x.conv("first", 8, kernel: 3).relu().dropout(rate: 0.5)
      let branch = map.conv("branch", 8, kernel: 3).stochasticDepth(rate: 0.5)
      builder.output("y", (map + branch).dropout(rate: 0.2, of: .channel).conv("head", 3, kernel: 1))
    }
    let (images, targets) = (
      Tensor.random([4, 6, 5, 3]), (0..<4).map { LabelMap.random(width: 5, height: 6, classes: 3, seed: $0) }
    )
    func step(dropout: Bool, threads: Int = 2) throws -> TrainingStep {
      try graph.training(
        loss: CrossEntropyLoss(), optimizer: .sgd(), batch: 4, options: .init(dropout: dropout),
        on: OpenBLASBackend(workers: WorkerPool(threads: threads)))
    }
    let weights = Parameters(initializing: graph, seed: 7)
    func run(_ step: TrainingStep, _ state: inout TrainingState, _ count: Int) throws -> [Double] {
      try (0..<count).map { _ in try step.run(images, targets, &state, rate: 0.05).loss }
    }
    func losses(_ step: TrainingStep, seed: UInt64) throws -> [Double] {
      var state = try TrainingState(step, weights: weights, seed: seed)
      return try run(step, &state, 6)
    }
    let dropping = try step(dropout: true)
    let first = try losses(dropping, seed: 1)
    let again = try losses(try step(dropout: true, threads: 3), seed: 1)
    #expect(first == again)
    #expect(try losses(dropping, seed: 2) != first)
    #expect(try losses(dropping, seed: 1 << 40 | 1) != first)
    // Continued, with the seed in the variables.
    var begun = try TrainingState(dropping, weights: weights, seed: 1)
    let before = try run(dropping, &begun, 2)
    #expect(begun.variables["seed"] == Tensor([2], [1, 0] as [Int32]))
    var continued = try TrainingState(dropping, continuing: begun.variables)
    let after = try run(dropping, &continued, 4)
    #expect(before + after == first)
    // Without dropout the seed does not matter, and the first loss is that of inference.
    let plain = try step(dropout: false)
    let undropped = try losses(plain, seed: 1)
    #expect(try losses(plain, seed: 2) == undropped)
    #expect(undropped[0] != first[0])
    let logits = try graph.compiled(for: ["image": images.shape], parameters: weights).run(["image": images])["y"]!
    let evaluated = try CrossEntropyLoss().evaluate(logits, targets, gradient: false, on: .shared).value
    #expect(abs(undropped[0] - evaluated) <= 1e-6)
  }

  @Test func errorsNameTheirCause() throws {
    func error(_ body: () throws -> Void) -> (any Error)? {
      do { try body() } catch { return error }
      return nil
    }
    // Batch normalisation behind global pooling, with one image.
    let pooled = try Graph("pooled") { builder in
      let x = builder.input("image", [1, 4, 4, 3])
      let context = x.globalAveragePool().conv("context", 4, kernel: 1).batchNorm("context.bn")
      builder.output("y", x.conv("conv", 4, kernel: 1) + context.broadcast(spatiallyLike: x))
    }
    let problem = error { _ = try pooled.training(loss: CrossEntropyLoss(), optimizer: .sgd()) }
    guard case TrainingError.oneValuePerChannel(let layer)? = problem else {
      Issue.record("\(String(describing: problem))")
      return
    }
    #expect(layer == "context.bn")
    #expect(error { _ = try pooled.training(loss: CrossEntropyLoss(), optimizer: .sgd(), batch: 2) } == nil)
    #expect(
      error { _ = try pooled.training(loss: CrossEntropyLoss(), optimizer: .sgd(), options: .init(batchNorm: .frozen)) }
        == nil)

    // An operator without a gradient.
    struct Opaque: Operator {
      static let name = "Opaque"
      func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] { inputs }
      func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost() }
      func prepare(_ context: PreparationContext) -> PreparedOperator { .forwarding }
    }
    let opaque = try Graph("opaque") { builder in
      let x = builder.input("image", [1, 4, 4, 3])
      let early = x.apply(Opaque(), named: "early")
      builder.output("y", early.conv("conv", 4, kernel: 1).apply(Opaque(), named: "late"))
    }
    #expect(
      error { _ = try opaque.training(loss: CrossEntropyLoss(), optimizer: .sgd()) } as? GradientError
        == .notDifferentiable(node: "late", operator: "Opaque"))

    // As many losses as outputs.
    let network = try Self.network()
    #expect(
      error {
        _ = try network.training(
          loss: AuxiliaryLoss(CrossEntropyLoss(), auxiliaryWeights: [0.4]), optimizer: .sgd())
      } as? LossError == .outputsDiffer(outputs: 1, losses: 2))

    // Tensors of other shapes; the state is still good.
    let step = try network.training(loss: CrossEntropyLoss(), optimizer: .sgd(), batch: 2)
    var state = TrainingState(initializing: step, seed: 1)
    let before = state.variables.tensors
    #expect(step.imageShape == [2, 8, 10, 3] && step.targetShape == [2, 8, 10])
    let (images, targets) = (Tensor(zeros: step.imageShape), Tensor(zeros: step.targetShape, of: .uint16))
    for (images, targets, name) in [
      (images, Tensor(zeros: [2, 8, 9], of: .uint16), "targets"), (images, Tensor(zeros: [2, 8, 10]), "targets"),
      (Tensor(zeros: [1, 8, 10, 3]), targets, "image"),
    ] {
      guard case GraphError.wrongInput(name, _, _)? = error({ try step.run(images, targets, &state, rate: 0.1) }) else {
        Issue.record("no error for \(name)")
        continue
      }
    }
    #expect(state.variables.tensors == before)
    // A label that is no class, and a state that lacks a variable.
    guard
      case GraphError.run(let node, _)? = error({
        try step.run(images, Tensor(step.targetShape, [UInt16](repeating: 7, count: 160)), &state, rate: 0.1)
      })
    else {
      Issue.record("no error for a label")
      return
    }
    #expect(node == "loss.logits")
    var variables = TrainingState(initializing: step, seed: 1).variables
    variables["optimizer/momentum/conv.weight"] = nil
    guard
      case GraphError.wrongVariable(let name, _, nil)? = error({ _ = try TrainingState(step, continuing: variables) })
    else {
      Issue.record("no error for a missing variable")
      return
    }
    #expect(name == "optimizer/momentum/conv.weight")
  }

  /// Schedules follow the time of a step.
  @Test func schedulesFollowTime() throws {
    let graph = try Graph("schedule") { builder in
      builder.output("y", builder.input("image", [1, 6, 5, 2]).conv("conv", 3, kernel: 3))
    }
    var loss = CombinedLoss.rebalanced(region: DiceLoss(), from: 0.1, to: 0.9, over: 8)
    let step = try graph.training(loss: loss, optimizer: .sgd(momentum: 0))
    var state = TrainingState(initializing: step, seed: 3)
    let (images, maps) = (Tensor.random([1, 6, 5, 2]), [LabelMap.random(width: 5, height: 6, classes: 3, seed: 5)])
    for time in [0.0, 3, 8, 20] {
      let logits = try graph.compiled(parameters: state.parameters).run(["image": images])["y"]!
      loss.time = time
      let expected = try loss.evaluate(logits, maps, gradient: false, on: .shared).value
      let result = try step.run(images, maps, &state, rate: 0.1, time: time)
      #expect(abs(result.loss - expected) <= 1e-6 * max(1, abs(expected)), "\(time)")
    }
  }

  /// The network's input may have another name.
  @Test func inputsOfOtherNames() throws {
    let graph = try Graph("named") { builder in
      builder.output("y", builder.input("scan", [1, 4, 4, 2]).conv("conv", 3, kernel: 3))
    }
    let step = try graph.training(loss: CrossEntropyLoss(), optimizer: .sgd(momentum: 0))
    var state = TrainingState(initializing: step, seed: 1)
    let (images, targets) = (Tensor.random([1, 4, 4, 2]), Tensor(zeros: [1, 4, 4], of: .uint16))
    let losses = try (0..<5).map { _ in try step.run(images, targets, &state, rate: 0.5).loss }
    #expect(losses == losses.sorted(by: >) && losses[4] < losses[0])
  }

  /// The weighted sum of the losses of two outputs: the step's loss and its gradients are those of the weighted sum.
  @Test func auxiliaryHeads() throws {
    let graph = try Graph("heads") { builder in
      let x = builder.input("image", [1, 6, 5, 3])
      let shared = x.conv("shared", 4, kernel: 3).relu()
      builder.output("main", shared.conv("main", 3, kernel: 1))
      builder.output("auxiliary", shared.conv("auxiliary", 3, kernel: 1))
    }
    let loss = AuxiliaryLoss(CrossEntropyLoss(), auxiliaryWeights: [0.4])
    let step = try graph.training(loss: loss, optimizer: .sgd(momentum: 0), batch: 2)
    var state = TrainingState(initializing: step, seed: 1)
    let (images, maps) = (
      Tensor.random([2, 6, 5, 3]), (0..<2).map { LabelMap.random(width: 5, height: 6, classes: 3, seed: $0) }
    )
    func value(_ parameters: Parameters) throws -> Double {
      let model = try graph.compiled(for: ["image": images.shape], parameters: parameters)
      let outputs = try model.run(["image": images])
      return try loss.evaluate([outputs["main"]!, outputs["auxiliary"]!], maps, gradient: false).value
    }
    let before = state.parameters
    let result = try step.run(images, maps, &state, rate: 1)
    let evaluated = try value(before)
    #expect(abs(result.loss - evaluated) <= 1e-6)
    let after = state.parameters
    // The change of a weight at rate 1 is its gradient: against differences of the loss.
    for name in ["shared.weight", "main.weight", "auxiliary.weight", "auxiliary.bias"] {
      let (old, new) = (before[name]!.elements(of: Float.self), after[name]!.elements(of: Float.self))
      let largest = zip(old, new).map { abs($0 - $1) }.max()!
      for index in stride(from: 0, to: old.count, by: max(1, old.count / 7)) {
        let h: Float = 4e-3
        func moved(_ by: Float) throws -> Double {
          var parameters = before
          var elements = old
          elements[index] += by
          parameters[name] = Tensor(before[name]!.shape, elements)
          return try value(parameters)
        }
        let difference = (try moved(h) - moved(-h)) / Double(2 * h)
        // Logits are rounded to float32, and ReLU bends: the difference has three digits.
        #expect(abs(Double(old[index] - new[index]) - difference) <= 3e-3 * Double(largest), "\(name) \(index)")
      }
    }
  }
}
