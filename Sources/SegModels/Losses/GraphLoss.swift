import SegEngine

/// A loss that adds operators of its own to a graph, instead of one ``LossOperator``.
package protocol GraphLoss: SegmentationLoss {
  /// Adds the loss of logits to their graph and returns its value `[1]`.
  func value(_ operands: LossOperands) -> Value
}

/// The operands of a loss in a graph.
package struct LossOperands {
  /// Logits `[batch, height, width, classes]`.
  package let logits: Value
  /// Labels, uint16 `[batch, height, width]`.
  package let targets: Value
  /// The name of the loss in the graph.
  package let name: String
  /// Returns the graph's input of the time of schedules `[1]`; it is added when it is first asked for.
  private let timeInput: () -> Value

  package init(logits: Value, targets: Value, named name: String, time: @escaping () -> Value) {
    self.logits = logits
    self.targets = targets
    self.name = name
    timeInput = time
  }

  /// The time of schedules `[1]`.
  package var time: Value { timeInput() }

  /// Adds a loss and returns its value `[1]`.
  package func value(of loss: any SegmentationLoss, named suffix: String = "") -> Value {
    let operands = LossOperands(logits: logits, targets: targets, named: name + suffix, time: timeInput)
    if let own = loss as? any GraphLoss { return own.value(operands) }
    return operands.apply(LossOperator(loss))
  }

  /// Adds an operator of logits and targets whose outputs are the value and its gradient, and returns the value.
  func apply(_ operator: some Operator) -> Value {
    logits.graph.add(`operator`, named: name, to: [logits, targets], outputCount: 2)[0]
  }

  /// Multiplies a loss by its weight at the time.
  package func weighted(_ value: Value, by schedule: LossSchedule, named suffix: String = "") -> Value {
    if case .constant(let weight) = schedule {
      return weight == 1
        ? value
        : value.combine(
          .multiply, value.graph.constant(Tensor([1], [Float(weight)])), named: "\(name)\(suffix).weighted")
    }
    let weight = time.apply(ScheduledWeight(schedule), named: "\(name)\(suffix).weight")
    return value.combine(.multiply, weight, named: "\(name)\(suffix).weighted")
  }
}

/// The weight of a schedule at a time.
///
/// Input: the time `[1]`. Output: the weight `[1]`.
struct ScheduledWeight: Operator {
  static let name = "ScheduledWeight"

  let schedule: LossSchedule

  init(_ schedule: LossSchedule) { self.schedule = schedule }

  var attributes: String { "\(schedule)" }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    guard inputs == [TensorSpec([1])] else { throw ShapeError(Self.name, "takes the time [1], not \(inputs)") }
    return inputs
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 1, reading: inputs, writing: outputs)
  }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    let schedule = schedule
    return PreparedOperator { context in
      context.output().floats[0] = Float(schedule.weight(at: Double(context.input(0).floats[0])))
    }
  }
}

extension CombinedLoss: GraphLoss {
  package func value(_ operands: LossOperands) -> Value {
    var total: Value?
    for (index, term) in terms.enumerated() {
      let value = operands.value(of: term.loss, named: ".\(index)")
      let weighted = operands.weighted(value, by: term.weight, named: ".\(index)")
      total = total.map { $0.combine(.add, weighted, named: "\(operands.name).sum") } ?? weighted
    }
    return total ?? operands.logits.graph.constant(Tensor([1], [Float(0)]))
  }
}
