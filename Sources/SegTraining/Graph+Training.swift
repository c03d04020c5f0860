import Foundation
import SegEngine
import SegModels

extension Graph {
  /// Makes a training step of the network: one compiled graph of forward pass, loss, gradients and updates.
  ///
  /// - Parameters:
  ///   - loss: The loss of the graph's only output.
  ///   - optimizer: The rule of the updates.
  ///   - batch: The number of images of a step.
  ///   - memory: The memory for the maps of a step.
  ///   - options: Clipping, averaging, batch normalisation.
  ///   - backend: The backend that runs the step.
  /// - Throws: ``GraphError`` for a graph whose shapes do not fit; ``GradientError`` for an operator without a gradient; ``TrainingError``
  ///   for a batch normalisation of one value a channel; ``LossError`` if the graph has several outputs.
  public func training(
    loss: any SegmentationLoss, optimizer: Optimizer, batch: Int = 1, memory: TrainingMemory = .unlimited,
    options: TrainingOptions = .init(),
    on backend: any Backend = OpenBLASBackend()
  ) throws -> TrainingStep {
    try training(
      loss: AuxiliaryLoss(loss, auxiliaryWeights: []), optimizer: optimizer, batch: batch, memory: memory,
      options: options, on: backend)
  }

  /// Makes a training step of a network with auxiliary heads or deep supervision.
  ///
  /// - Parameters:
  ///   - loss: The losses of the graph's outputs, in their order, with their weights.
  ///   - optimizer: The rule of the updates.
  ///   - batch: The number of images of a step.
  ///   - memory: The memory for the maps of a step.
  ///   - options: Clipping, averaging, batch normalisation.
  ///   - backend: The backend that runs the step.
  /// - Throws: The errors of ``training(loss:optimizer:batch:memory:options:on:)-(SegmentationLoss,_,_,_,_,_)``; ``LossError`` if there are not as
  ///   many losses as outputs.
  public func training(
    loss: AuxiliaryLoss, optimizer: Optimizer, batch: Int = 1, memory: TrainingMemory = .unlimited,
    options: TrainingOptions = .init(),
    on backend: any Backend = OpenBLASBackend()
  ) throws -> TrainingStep {
    let (whole, imageShape, targetShape) = try trainingGraph(
      loss: loss, optimizer: optimizer, batch: batch, memory: memory, options: options)
    let model = try whole.compiled(on: backend, options: options.compilation)
    return TrainingStep(network: self, model: model, imageShape: imageShape, targetShape: targetShape)
  }

  /// Plans the training step that ``training(loss:optimizer:batch:memory:options:on:)-(AuxiliaryLoss,_,_,_,_,_)`` would make, without
  /// weights: its steps, algorithms and memory.
  ///
  /// - Throws: The errors of that function.
  public func trainingPlan(
    loss: AuxiliaryLoss, optimizer: Optimizer, batch: Int = 1, memory: TrainingMemory = .unlimited,
    options: TrainingOptions = .init(), on backend: any Backend = OpenBLASBackend()
  ) throws -> TrainingPlan {
    let graph = try trainingGraph(loss: loss, optimizer: optimizer, batch: batch, memory: memory, options: options)
      .graph
    return TrainingPlan(
      execution: try graph.plan(on: backend, options: options.compilation),
      stateByteCount: graph.variables.reduce(0) { $0 + $1.spec.byteCount })
  }

  /// Makes the graph of a training step, and gives the shapes of images and targets.
  private func trainingGraph(
    loss: AuxiliaryLoss, optimizer: Optimizer, batch: Int, memory: TrainingMemory, options: TrainingOptions
  ) throws -> (graph: Graph, imageShape: Shape, targetShape: Shape) {
    precondition(batch > 0, "a batch has images: \(batch)")
    guard outputs.count == loss.terms.count else {
      throw LossError.outputsDiffer(outputs: outputs.count, losses: loss.terms.count)
    }
    let image = inputs[0]
    let imageShape = Shape([batch] + self[image.value].spec.shape.dimensions.dropFirst())
    let training = try TrainingGraph(
      self, for: [image.name: imageShape], batchNorm: options.batchNorm,
      appliesDropout: options.dropout)
    let graph = training.builder
    let targetShape = Shape(Array(training.outputs[0].value.shape.dimensions.dropLast()))
    let targets = graph.input("targets", targetShape, of: .uint16)
    let rate = graph.input("rate", [1])
    let one = graph.constant(Tensor([1], [Float(1)]))
    let count = training.steps.combine(.add, one, named: TrainingGraph.stepsName)
    graph.update(training.steps, to: count)

    // The losses, and their weighted sum.
    var timeInput: Value?
    func time() -> Value {
      let input = timeInput ?? graph.input("time", [1])
      timeInput = input
      return input
    }
    var total: Value?
    for (output, term) in zip(training.outputs, loss.terms) {
      let operands = LossOperands(logits: output.value, targets: targets, named: "loss.\(output.name)", time: time)
      let weighted = operands.weighted(operands.value(of: term.loss), by: term.weight)
      total = total.map { $0.combine(.add, weighted, named: "total") } ?? weighted
    }
    guard let total else { throw LossError.outputsDiffer(outputs: 0, losses: 0) }
    graph.output("loss", total)

    // Updates stand beside the gradients, so that a gradient lives for one step; with a limit of their norm they wait for all gradients.
    var names: [Graph.ValueID: String] = [:]
    for weight in training.weights { names[weight.value.id] = weight.info.name }
    var inputs = UpdateInputs(rate: rate, count: count)
    let factors = options.layerDecay.map { decay in layerDepths.mapValues { pow(decay, 12 * (1 - $0)) } } ?? [:]
    func update(_ weight: Value, _ gradient: Value) {
      let name = names[weight.id]!
      let updated = optimizer.update(weight, named: name, gradient: gradient, inputs.scaled(factors[name], in: graph))
      guard let decay = options.averaging else { return }
      let average = graph.variable(TrainingState.averagePrefix + name, TensorSpec(weight.shape))
      graph.update(
        average,
        to: average.apply(
          ExponentialAverage(decay: decay, share: 1 - decay), named: "\(name).average", with: [updated]))
    }
    let forwardCount = graph.nodeCount
    var waiting: [(Value, Value)] = []
    let learned = training.weights.filter { weight in !options.frozen.contains { weight.info.name.hasPrefix($0) } }
    try graph.addGradients(of: total, withRespectTo: learned.map(\.value)) { weight, gradient in
      if options.clipping == nil { update(weight, gradient) } else { waiting.append((weight, gradient)) }
    }
    if let limit = options.clipping, !waiting.isEmpty {
      let results = graph.add(
        GradientClipping(limit: limit), named: "clipping", to: waiting.map(\.1), outputCount: 2)
      inputs.scale = results[0]
      graph.output("norm", results[1])
      for (weight, gradient) in waiting { update(weight, gradient) }
    }
    var whole = try training.finish()
    if case .budget(let bytes) = memory {
      whole = whole.recomputing(budget: bytes, forwardCount: forwardCount)
    }
    return (whole, imageShape, targetShape)
  }
}
