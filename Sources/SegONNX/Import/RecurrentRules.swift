import SegEngine

extension ONNXImporter {
  /// LSTM, GRU and RNN.
  static let recurrentRules: [String: Rule] = [
    "LSTM": { try $0.recurrent(.lstm) }, "GRU": { try $0.recurrent(.gru) }, "RNN": { try $0.recurrent(.rnn) },
  ]
}

extension ONNXStep {
  fileprivate func recurrent(_ cell: RecurrentOperator.Cell) throws -> [ONNXValue]? {
    guard (0..<3).allSatisfy(isFloat) else { return nil }
    let x = try input(0), weights = try input(1)
    guard x.rank == 3, weights.rank == 3, try input(2).rank == 3 else {
      throw ONNXFailure("sequences \(x.dimensions) and weights \(weights.dimensions) are not of rank 3")
    }
    let directions: [Bool]
    switch try attributes.string("direction", default: "forward") {
    case "forward": directions = [false]
    case "reverse": directions = [true]
    case "bidirectional": directions = [false, true]
    case let other: throw ONNXFailure("its direction \(other) is unknown")
    }
    let stated = try attributes.int("hidden_size", default: try input(2).dimensions[2])
    let hidden = try bounded([stated], "hidden_size", 1...(1 << 24))[0]
    let isBatchFirst = try attributes.flag("layout")
    // With layout 1 the batch is the first axis of sequences and states.
    let stateOrder = isBatchFirst ? [1, 0, 2] : [0, 1, 2]
    var inputs = [try value(0, as: stateOrder), try value(1), try value(2)]
    var present: [RecurrentOperator.Operand] = []
    for (index, operand) in zip(3..., RecurrentOperator.Operand.allCases) {
      guard let given = optional(index) else { continue }
      guard cell == .lstm || (operand != .cell && operand != .peepholes) else { break }
      switch operand {
      case .lengths:
        guard given.type == .int32, given.rank == 1 else {
          throw ONNXFailure("its lengths are of \(given.type), not int32")
        }
        inputs.append(importer.arranged(given))
      case .state, .cell:
        guard given.rank == 3, given.type.isFloat else {
          throw ONNXFailure("its initial state is of \(given.dimensions)")
        }
        inputs.append(importer.arranged(given, as: stateOrder))
      case .bias, .peepholes:
        guard given.type.isFloat else { throw ONNXFailure("its \(operand) are of \(given.type)") }
        inputs.append(importer.arranged(given))
      }
      present.append(operand)
    }
    let operation = RecurrentOperator(
      cell: cell, hidden: hidden, directions: directions, functions: try functions(of: cell, directions.count),
      clip: try attributes.float("clip"), resetsProduct: try attributes.flag("linear_before_reset"),
      couplesGates: try attributes.flag("input_forget"), present: present)
    let results = builder.add(operation, named: node.name, to: inputs, outputCount: cell == .lstm ? 3 : 2)
    return results.enumerated().map { index, result in
      ONNXValue(
        x.type, result, axes: isBatchFirst ? (index == 0 ? [1, 2, 0, 3] : [1, 0, 2]) : nil)
    }
  }

  /// Returns the functions of each direction. Their parameters are taken in order by those that have some.
  private func functions(
    of cell: RecurrentOperator.Cell, _ directions: Int
  ) throws(ONNXFailure) -> [[RecurrentOperator.Function]] {
    let usual =
      switch cell {
      case .lstm: ["Sigmoid", "Tanh", "Tanh"]
      case .gru: ["Sigmoid", "Tanh"]
      case .rnn: ["Tanh"]
      }
    let names = try attributes.strings("activations") ?? (0..<directions).flatMap { _ in usual }
    guard names.count == directions * cell.functions else {
      throw ONNXFailure("it has \(names.count) activations, not \(directions * cell.functions)")
    }
    var alphas = (try attributes.floats("activation_alpha") ?? [])[...]
    var betas = (try attributes.floats("activation_beta") ?? [])[...]
    var functions: [RecurrentOperator.Function] = []
    for name in names {
      // The names are compared without regard to case, as onnxruntime does.
      guard
        let (kind, defaults) = RecurrentOperator.Function.defaults.first(where: {
          $0.key.lowercased() == name.lowercased()
        })
      else { throw ONNXFailure("its activation \(name) is unknown") }
      var function = RecurrentOperator.Function(kind: kind, alpha: defaults.alpha, beta: defaults.beta)
      if RecurrentOperator.Function.takingAlpha.contains(kind), let alpha = alphas.popFirst() { function.alpha = alpha }
      if RecurrentOperator.Function.takingBeta.contains(kind), let beta = betas.popFirst() { function.beta = beta }
      functions.append(function)
    }
    return (0..<directions).map { Array(functions[$0 * cell.functions..<($0 + 1) * cell.functions]) }
  }
}

extension ONNXAttributes {
  func strings(_ name: String) throws(ONNXFailure) -> [String]? {
    switch values[name] {
    case nil: nil
    case .strings(let values): values
    default: throw ONNXFailure("its attribute \(name) is not a list of strings")
    }
  }
}
