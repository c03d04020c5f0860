import Foundation
import SegIO
import TestSupport
import Testing

@testable import SegEngine
@testable import SegTraining

/// Ten steps of each optimiser on given gradients, as a graph.
@Suite struct OptimizerTests {
  /// A graph that updates two weights by their gradients, which are inputs.
  private func graph(
    _ optimizer: Optimizer, clipping: Double?, averaging: Double? = nil, _ shapes: [Shape]
  ) throws -> Graph {
    try Graph("updates") { builder in
      let one = builder.constant(Tensor([1], [Float(1)]))
      let steps = builder.variable("steps", TensorSpec([1]))
      let count = steps.combine(.add, one)
      builder.update(steps, to: count)
      let weights = shapes.indices.map { builder.variable("w\($0)", TensorSpec(shapes[$0])) }
      let gradients = shapes.indices.map { builder.input("g\($0)", shapes[$0]) }
      var inputs = UpdateInputs(rate: builder.input("rate", [1]), count: count)
      if let clipping {
        let results = builder.add(
          GradientClipping(limit: clipping), named: "clipping", to: gradients, outputCount: 2)
        inputs.scale = results[0]
        builder.output("norm", results[1])
      } else {
        builder.output("norm", count)
      }
      for (index, weight) in weights.enumerated() {
        let updated = optimizer.update(weight, named: "w\(index)", gradient: gradients[index], inputs)
        guard let averaging else { continue }
        let average = builder.variable("average\(index)", TensorSpec(shapes[index]))
        builder.update(
          average,
          to: average.apply(
            ExponentialAverage(decay: averaging, share: 1 - averaging), named: "average", with: [updated]))
      }
    }
  }

  /// The variables after ten steps, and the norms.
  private func run(
    _ graph: Graph, on backend: any Backend, starts: [Tensor], gradients: [[Tensor]], rates: [Float]
  ) throws -> (variables: Variables, norms: [Float]) {
    let model = try graph.compiled(on: backend)
    var variables = Variables()
    for port in model.variables { variables[port.name] = Tensor(zeros: port.spec.shape) }
    for (index, start) in starts.enumerated() {
      variables["w\(index)"] = start
      if model.variables.contains(where: { $0.name == "average\(index)" }) { variables["average\(index)"] = start }
    }
    var norms: [Float] = []
    for (step, rate) in rates.enumerated() {
      var inputs = ["rate": Tensor([1], [rate])]
      for (index, own) in gradients.enumerated() { inputs["g\(index)"] = own[step] }
      norms.append(try model.run(inputs, updating: &variables)["norm"]!.elements(of: Float.self)[0])
    }
    return (variables, norms)
  }

  /// Gradients of ten steps `[10, …]` as ten tensors.
  private func steps(_ tensor: Tensor) -> [Tensor] {
    let shape = Shape(Array(tensor.shape.dimensions.dropFirst()))
    let elements = tensor.elements(of: Float.self)
    return (0..<tensor.shape[0]).map {
      Tensor(shape, Array(elements[$0 * shape.elementCount..<($0 + 1) * shape.elementCount]))
    }
  }

  private static func optimizer(_ fixture: FixtureCase) -> Optimizer {
    var optimizer: Optimizer =
      switch fixture.text("method") {
      case "sgd":
        .sgd(momentum: fixture.number("momentum"), nesterov: fixture.flag("nesterov"), decay: fixture.number("decay"))
      case "adamW":
        .adamW(
          beta1: fixture.number("beta1"), beta2: fixture.number("beta2"), epsilon: fixture.number("epsilon"),
          decay: fixture.number("decay"))
      default:
        .lion(beta1: fixture.number("beta1"), beta2: fixture.number("beta2"), decay: fixture.number("decay"))
      }
    optimizer.decaysAll = true
    return optimizer
  }

  /// PyTorch in float64 (`Tests/Fixtures/training/make_training.py`). Ten steps round each weight a few dozen times.
  @Test func tenStepsArePyTorchs() throws {
    let file = try Safetensors(contentsOf: Fixtures.url("training/optimizers.safetensors").path)
    let cases = try FixtureCase.all(tensors: file.tensors, metadata: file.metadata)
    #expect(cases.count == 11)
    for fixture in cases {
      let tensors = fixture.tensors
      let starts = [tensors["start0"]!, tensors["start1"]!]
      let gradients = [steps(tensors["gradient0"]!), steps(tensors["gradient1"]!)]
      let clipping = fixture.has("clipping") ? fixture.number("clipping") : nil
      let graph = try graph(Self.optimizer(fixture), clipping: clipping, starts.map(\.shape))
      for (name, backend) in everyBackend() {
        let (variables, norms) = try run(
          graph, on: backend, starts: starts, gradients: gradients, rates: tensors["rates"]!.elements(of: Float.self))
        for index in 0..<2 {
          for (key, kind) in [("end", ""), ("momentum", "momentum"), ("mean", "mean"), ("square", "square")] {
            guard let expected = tensors["\(key)\(index)"] else { continue }
            let variable = kind.isEmpty ? "w\(index)" : "optimizer/\(kind)/w\(index)"
            let problem = mismatch(
              variables[variable]!, NaiveTensor(expected), Tolerance(absolute: 3e-6, relative: 1e-6))
            #expect(problem == nil, "\(fixture.name) \(variable) [\(name)]")
          }
        }
        if let expected = tensors["norms"] {
          #expect(
            mismatch(Tensor([10], norms), NaiveTensor(expected), Tolerance(relative: 1e-6)) == nil, "\(fixture.name)")
        }
      }
    }
  }

  /// The same steps, and the average of the weights, in loops of Double by the definitions.
  @Test func tenStepsAreThoseOfTheDefinitions() throws {
    var random = SeededGenerator(seed: 9)
    let shape: Shape = [3, 11]
    let start = Tensor.random(shape, seed: 1)
    let gradients = (0..<10).map { Tensor.random(shape, seed: 2 + UInt64($0)) }
    let rates = (0..<10).map { _ in Float.random(in: 0.01...0.2, using: &random) }
    for optimizer: Optimizer in [
      .sgd(momentum: 0.8, decay: 0.1), .sgd(momentum: 0.8, nesterov: true, decay: 0.1),
      .adamW(beta1: 0.7, beta2: 0.9, epsilon: 1e-6, decay: 0.2), .lion(beta1: 0.7, beta2: 0.9, decay: 0.2),
    ] {
      var w = start.elements(of: Float.self).map(Double.init)
      var average = w
      var (m, v) = (w.map { _ in 0.0 }, w.map { _ in 0.0 })
      for step in 0..<10 {
        let (rate, decay, g) = (Double(rates[step]), optimizer.decay, gradients[step].elements(of: Float.self))
        for i in w.indices {
          let gradient = Double(g[i])
          switch optimizer.method {
          case .sgd(let momentum, let nesterov):
            let d = gradient + decay * w[i]
            m[i] = momentum * m[i] + d
            w[i] -= rate * (nesterov ? d + momentum * m[i] : m[i])
          case .adamW(let beta1, let beta2, let epsilon):
            m[i] = beta1 * m[i] + (1 - beta1) * gradient
            v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient
            let t = Double(step + 1)
            let (mean, square) = (m[i] / (1 - pow(beta1, t)), v[i] / (1 - pow(beta2, t)))
            w[i] = w[i] * (1 - rate * decay) - rate * mean / (square.squareRoot() + epsilon)
          case .lion(let beta1, let beta2):
            let direction = beta1 * m[i] + (1 - beta1) * gradient
            w[i] = w[i] * (1 - rate * decay) - rate * (direction > 0 ? 1 : direction < 0 ? -1 : 0)
            m[i] = beta2 * m[i] + (1 - beta2) * gradient
          }
          average[i] = 0.9 * average[i] + 0.1 * w[i]
        }
      }
      let graph = try graph(optimizer, clipping: nil, averaging: 0.9, [shape])
      for (name, backend) in everyBackend() {
        let variables = try run(graph, on: backend, starts: [start], gradients: [gradients], rates: rates).variables
        for (variable, expected) in [("w0", w), ("average0", average)] {
          let problem = mismatch(
            variables[variable]!, NaiveTensor(shape: shape.dimensions, values: expected), Tolerance(absolute: 3e-6))
          #expect(problem == nil, "\(optimizer.method) \(variable) [\(name)]")
        }
      }
    }
  }

  /// Weights of one axis do not decay, unless told to.
  @Test func biasesDoNotDecay() throws {
    for decaysAll in [false, true] {
      var optimizer = Optimizer.adamW(decay: 0.5)
      optimizer.decaysAll = decaysAll
      let graph = try graph(optimizer, clipping: nil, [[2, 2], [4]])
      let zeros = [Tensor(zeros: [2, 2]), Tensor(zeros: [4])]
      let variables = try run(
        graph, on: ReferenceBackend(),
        starts: [Tensor([2, 2], repeating: Float(1)), Tensor([4], repeating: Float(1))],
        gradients: zeros.map { [$0] }, rates: [0.5]
      ).variables
      #expect(variables["w0"] == Tensor([2, 2], repeating: Float(0.75)))
      #expect(variables["w1"] == Tensor([4], repeating: Float(decaysAll ? 0.75 : 1)))
    }
  }
}
