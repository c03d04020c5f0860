import TestSupport
import Testing

@testable import SegEngine

/// Graphs of training: gradients and updates beside a network.
@Suite struct TrainingGraphTests {
  /// A step of training with every kind of gradient and update. The loss is a mean of squares.
  static func everyGradient() throws -> Graph {
    let network = try Graph("everything") { builder in
      let x = builder.input("x", [2, 16, 12, 8])
      let (pooled, indices) = x.conv("first", 8, kernel: 3).maxPoolWithIndices(kernel: 2)
      let stem = x.conv("conv", 8, kernel: 3).batchNorm("bn").map(.silu)
      let normed = stem.groupNorm("gn", groups: 2).instanceNorm("in").prelu("prelu").layerNorm("ln")
      let tokens = pooled.tokens().linear("qkv", 8).dropout(rate: 0.2)
      let attended = tokens.attention(keys: tokens, values: tokens, heads: 2).featureMap(like: pooled)
      let up = [
        attended.resize(like: x), attended.resize(like: x, .bicubic), attended.resize(like: x, .nearest),
        pooled.maxUnpool(indices, like: x), stem.averagePool(kernel: 2).resize(like: x),
        stem.adaptiveMaxPool(to: 3).resize(like: x), stem.adaptiveAveragePool(to: 5).resize(like: x),
        stem.globalMaxPool().broadcast(spatiallyLike: x), stem.maxPool(kernel: 3, stride: 1, padding: 1),
      ].concatenated().conv("fuse", 8, kernel: 1)
      let parts = (up + normed).split(into: 2)
      let product = parts[0].tokens().matmul(parts[1].tokens(), transposingB: true).softmax()
      let shuffled = stem.pixelUnshuffle(2).pixelShuffle(2).transpose([0, 3, 1, 2]).transpose([0, 2, 3, 1])
      let padded = shuffled.pad(2, mode: .reflect).crop(like: x).slice(axis: 1, step: -1).stochasticDepth(rate: 0.1)
      let deep = stem.conv("deep", 8, kernel: 3, stride: 2, padding: 1, groups: 8).transposedConv(
        "up", 8, kernel: 2, stride: 2)
      let joined = (padded * up.globalAveragePool() + deep / (up * up + 1)).softmax(axis: 1).logSoftmax()
      let norms = product.reduce(.norm, axes: [2])
      builder.output("joined", joined + up.map(.gelu) * norms.reduce(.maximum, axes: [1]).reduce(.product, axes: []))
    }
    let training = try TrainingGraph(network, for: ["x": [2, 16, 12, 8]], batchNorm: .batchStatistics(momentum: 0.1))
    let builder = training.builder
    let loss = training.outputs[0].value.reduce(.sumOfSquares, axes: [], keepingAxes: false).reshape([1])
    let rate = builder.input("rate", [1])
    let one = builder.constant(Tensor([1], [Float(1)]))
    let count = training.steps.combine(.add, one)
    builder.update(training.steps, to: count)
    var gradients: [(weight: Value, gradient: Value)] = []
    try builder.addGradients(of: loss, withRespectTo: training.weights.map(\.value)) { gradients.append(($0, $1)) }
    #expect(gradients.count == training.weights.count)
    let scale = builder.add(
      GradientClipping(limit: 1), named: "clipping", to: gradients.map(\.gradient), outputCount: 2)[0]
    for (index, (weight, gradient)) in gradients.enumerated() {
      let states = (0..<2).map { builder.variable("state\(index).\($0)", TensorSpec(weight.shape)) }
      let results: [Value]
      switch index % 3 {
      case 0:
        results = builder.add(
          AdamUpdate(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decay: 0.01), named: "update",
          to: [weight, gradient] + states + [rate, count, scale], outputCount: 3)
      case 1:
        results = builder.add(
          MomentumUpdate(momentum: 0.9, decay: 0.01, nesterov: true), named: "update",
          to: [weight, gradient, states[0], rate, scale], outputCount: 2)
      default:
        results = builder.add(
          LionUpdate(beta1: 0.9, beta2: 0.99, decay: 0.01), named: "update",
          to: [weight, gradient, states[0], rate, scale], outputCount: 2)
      }
      for (variable, result) in zip([weight] + states, results) { builder.update(variable, to: result) }
      let average = builder.variable("average\(index)", TensorSpec(weight.shape))
      builder.update(
        average, to: average.apply(ExponentialAverage(decay: 0.9, share: 0.1), named: "average", with: [results[0]]))
    }
    builder.output("loss", loss)
    return try training.finish()
  }

  /// Every backend and thread count computes the same steps, and the bits of one backend do not depend on threads.
  @Test func everyGradientAgreesWithTheReference() throws {
    let graph = try Self.everyGradient()
    func run(_ backend: any Backend, optimizes: Bool) throws -> (losses: [Float], variables: Variables) {
      let model = try graph.compiled(on: backend, options: .init(optimizes: optimizes))
      var variables = Variables()
      for port in model.variables {
        let isWeight = !["state", "average", "steps", "seed"].contains { port.name.hasPrefix($0) }
        variables[port.name] =
          isWeight
          ? Tensor.random(
            port.spec.shape, in: port.name.contains("var") ? 0.5...1 : -0.5...0.5, seed: UInt64(port.name.count))
          : Tensor(zeros: port.spec.shape, of: port.spec.elementType)
      }
      let x = Tensor.random([2, 16, 12, 8], seed: 8)
      let losses = try (0..<3).map { _ in
        try model.run(["x": x, "rate": Tensor([1], [Float(0.01)])], updating: &variables)["loss"]!.elements(
          of: Float.self)[0]
      }
      return (losses, variables)
    }
    let expected = try run(ReferenceBackend(workers: WorkerPool(threads: 1)), optimizes: false)
    #expect(expected.losses.allSatisfy { $0.isFinite } && Set(expected.losses).count == 3)
    var bits: [String: Variables] = [:]
    for (name, backend) in everyBackend() {
      for optimizes in [true, false] {
        let result = try run(backend, optimizes: optimizes)
        for (loss, wanted) in zip(result.losses, expected.losses) {
          #expect(abs(loss - wanted) <= 1e-4 * abs(wanted), "\(name)")
        }
        // Threads do not change bits.
        let key = name.prefix { $0 != "," } + " \(optimizes)"
        if let other = bits[String(key)] {
          let different = other.tensors.keys.filter { other[$0] != result.variables[$0] }.sorted()
          #expect(different.isEmpty, "\(name): \(different)")
        }
        bits[String(key)] = result.variables
      }
    }
  }

  /// A value that several operators read, some twice, and one that the loss does not depend on.
  @Test func sumsOfSeveralUses() throws {
    let graph = try Graph("uses") { builder in
      let (a, b, unused) = (builder.input("a", [3]), builder.input("b", [3]), builder.input("unused", [3]))
      let square = a * a
      _ = unused * b
      let loss = (square * b + square + a.map(.exp)).reduce(.sum, axes: [], keepingAxes: false).reshape([1])
      var count = 0
      try builder.addGradients(of: loss, withRespectTo: [a, b, unused, square]) { value, gradient in
        count += 1
        let name = value.id == a.id ? "a" : value.id == b.id ? "b" : "square"
        builder.output("d\(name)", gradient)
      }
      #expect(count == 3)
    }
    let (a, b) = ([0.5, -1, 2] as [Float], [1, 3, -2] as [Float])
    let model = try graph.compiled(on: ReferenceBackend())
    let given = ["a": Tensor([3], a), "b": Tensor([3], b), "unused": Tensor(zeros: [3])]
    let results = try model.run(given.filter { entry in model.inputs.contains { $0.name == entry.key } })
    let expected = zip(a, b).map { a, b in 2 * Double(a) * (Double(b) + 1) + ElementwiseFunction.exp(Double(a)) }
    #expect(mismatch(results["da"]!, NaiveTensor(shape: [3], values: expected), Tolerance(relative: 1e-6)) == nil)
    #expect(results["db"] == Tensor([3], a.map { $0 * $0 }))
    #expect(results["dsquare"] == Tensor([3], b.map { $0 + 1 }))
  }

  @Test func lossesAreNumbers() throws {
    let graph = GraphBuilder(name: "loss")
    let x = graph.input("x", [2, 3])
    #expect(throws: GradientError.notScalar(TensorSpec([2, 3]))) {
      try graph.addGradients(of: x.map(.exp), withRespectTo: [x]) { _, _ in }
    }
  }
}
